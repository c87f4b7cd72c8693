-- Grain: one row per stay considered and comorbidity: event_id, comorbidity. Decides: diagnoses of the 12 months that end the day before
-- admission, and secondary diagnoses of the stay itself that were present on admission or need no mark; the graver of two alone.
-- population gives admit_date and facility_id. Source: AHRQ Elixhauser Comorbidity Software Refined v2026.1; measures_spec.md, correction 11.
with prior_code as (
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
unmarked_facility as (                                            -- more than 20 % of codes without a present-on-admission mark
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
graver as (                                                       -- the milder of two is not counted beside the graver
    select distinct flag.event_id, hierarchy.code as comorbidity
    from flag
    join code_map as hierarchy on hierarchy.name = 'elixhauser_hierarchy' and hierarchy.category = flag.comorbidity
)
select flag.event_id, flag.comorbidity
from flag
left join graver using (event_id, comorbidity)
where graver.event_id is null
