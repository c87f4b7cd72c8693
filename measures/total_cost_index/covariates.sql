-- Grain: one row per person with a known year before and comorbidity (R11). Age, sex and payer line are filled by the engine.
-- Source: method.md, section 4; AHRQ Elixhauser Comorbidity Software Refined v2026.1.
with prior_code as (                                              -- the 12 months before the period
    select distinct population.event_id, diagnosis_event.code
    from population
    join diagnosis_event
        on diagnosis_event.person_id = population.person_id
        and diagnosis_event.event_date between cast($period_start - interval 12 month as date) and $period_start - 1
    where population.cohort = 'full_history' and diagnosis_event.icd_version = 10 and diagnosis_event.claim_type <> 'dme'
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
