-- Grain: one row per stay considered and factor; a factor that is not here is 0. Decides: age at admission, comorbidity flags (R25)
-- and the body group of the principal diagnosis (R26). Sex, payer line and cohort are filled by the engine.
-- Source: method.md, section 5; AHRQ Elixhauser Comorbidity Software Refined v2026.1.
with prior_code as (                                              -- R25: the 12 months that end the day before admission
    select distinct population.event_id, diagnosis_event.code
    from population
    join diagnosis_event
        on diagnosis_event.person_id = population.person_id
        and diagnosis_event.event_date between cast(population.admit_date - interval 12 month as date) and population.admit_date - 1
    where diagnosis_event.icd_version = 10 and diagnosis_event.claim_type <> 'dme'
),
own_diagnosis as (                                                -- secondary diagnoses of the stay itself
    select population.event_id, population.facility_id, stay_diagnosis.code, stay_diagnosis.present_on_admission
    from population
    join stay_diagnosis on stay_diagnosis.stay_id = population.event_id
    where stay_diagnosis.kind = 'other' and stay_diagnosis.icd_version = 10
),
unmarked_facility as (                                            -- R25: more than 20 % of codes without a present-on-admission mark
    select facility_id
    from own_diagnosis
    group by facility_id
    having count(*) filter (where coalesce(present_on_admission, '') not in ('Y', 'N', 'U', 'W', '1')) * 5 > count(*)
),
own_flag as (                                                     -- they count for every hospital or, if one does not mark them, for none
    select own_diagnosis.event_id, code_map.category
    from own_diagnosis
    join code_map on code_map.name = 'elixhauser' and code_map.code = own_diagnosis.code
    where not exists (select facility_id from unmarked_facility)
        and (
            own_diagnosis.present_on_admission in ('Y', 'W', '1')
            or code_map.category in (select code from value_set where name = 'elixhauser_poa_neutral')
        )
),
prior_flag as (
    select prior_code.event_id, code_map.category
    from prior_code
    join code_map on code_map.name = 'elixhauser' and code_map.code = prior_code.code
),
flag as (                                                         -- sequelae and acute cerebrovascular disease are one comorbidity
    select event_id, case when category in ('CBVD_POA', 'CBVD_SQLA') then 'CBVD' else category end as comorbidity from prior_flag
    union
    select event_id, case when category in ('CBVD_POA', 'CBVD_SQLA') then 'CBVD' else category end as comorbidity from own_flag
),
graver as (                                                       -- R25: the milder of two is not counted beside the graver
    select distinct flag.event_id, hierarchy.code as comorbidity
    from flag
    join code_map as hierarchy on hierarchy.name = 'elixhauser_hierarchy' and hierarchy.category = flag.comorbidity
)
select flag.event_id, 'comorbidity:' || flag.comorbidity as factor, cast(1 as decimal(18, 6)) as value
from flag
left join graver using (event_id, comorbidity)
where graver.event_id is null
union all
select population.event_id, 'diagnosis_group:' || coalesce(body_group.category, 'unassigned') as factor, cast(1 as decimal(18, 6)) as value
from population
left join code_map as body_group on body_group.name = 'ccs_body_group' and body_group.code = population.ccs   -- R26
union all
select population.event_id, 'age' as factor, cast(age_on(person.birth_date, population.admit_date) as decimal(18, 6)) as value
from population
join person using (person_id)
where person.birth_date is not null
