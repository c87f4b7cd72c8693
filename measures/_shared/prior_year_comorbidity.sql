-- Grain: one row per person and comorbidity, of people of whom at least 9 of the 12 months before the period are in view
-- (population.prior_months). Decides: comorbidity flags from the diagnoses of those 12 months, equipment suppliers' claims excepted; of two
-- comorbidities of one hierarchy the graver counts alone. Diagnoses of the period itself never count.
-- Source: AHRQ Elixhauser Comorbidity Software Refined for ICD-10-CM v2026.1.
with known_person as (
    select distinct event_id, person_id
    from population
    where prior_months >= 9
),
prior_code as (                                                   -- the 12 months before the period
    select distinct known_person.event_id, diagnosis_event.code
    from known_person
    join diagnosis_event
        on diagnosis_event.person_id = known_person.person_id
        and diagnosis_event.event_date between cast($period_start - interval 12 month as date) and $period_start - 1
    where diagnosis_event.icd_version = 10 and diagnosis_event.claim_type <> 'dme'
),
flag as (                                                         -- sequelae and acute cerebrovascular disease are one comorbidity
    select distinct
        prior_code.event_id,
        case when code_map.category in ('CBVD_POA', 'CBVD_SQLA') then 'CBVD' else code_map.category end as comorbidity
    from prior_code
    join code_map on code_map.name = 'elixhauser' and code_map.code = prior_code.code
),
graver as (                                                       -- the milder of two is not counted beside the graver
    select distinct flag.event_id, hierarchy.code as comorbidity
    from flag
    join code_map as hierarchy on hierarchy.name = 'elixhauser_hierarchy' and hierarchy.category = flag.comorbidity
)
select flag.event_id, 'comorbidity:' || flag.comorbidity as factor, cast(1 as decimal(18, 6)) as value
from flag
left join graver using (event_id, comorbidity)
where graver.event_id is null
