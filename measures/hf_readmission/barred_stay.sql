-- Grain: one row per stay and rule, other than R15, that keeps it from being an index stay: all reasons, not the first.
-- Decides: R5 to R14 and R17. What readmission measures have in common is decided in index_stay_bar.sql. Source: method.md, section 3.
with heart_replacement as (                             -- R13, R14: on any inpatient claim, by the day of the procedure
    select stay.person_id, stay.stay_id, stay.claim_ids, coalesce(stay_procedure.procedure_date, stay.admit_date) as performed_on
    from stay_procedure
    join value_set on value_set.name = 'heart_replacement_px' and value_set.code = stay_procedure.code
    join stay using (stay_id)
    where stay_procedure.icd_version = 10
)
select
    index_stay_bar.event_id,
    case index_stay_bar.reason
        when 'young' then 'R5'
        when 'died' then 'R6'
        when 'transferred' then 'R7'
        when 'open' then 'R8'
        when 'against_advice' then 'R9'
        when 'cancer_hospital' then 'R10'
        when 'no_prior_year' then 'R11'
        when 'no_follow_up' then 'R12'
        when 'covid' then 'R17'
    end as rule_id,
    population.claim_ids
from index_stay_bar
join population using (event_id)
union all
select distinct population.event_id, 'R13' as rule_id, population.claim_ids
from population
join heart_replacement on heart_replacement.stay_id = population.event_id
union all
select distinct population.event_id, 'R14' as rule_id, heart_replacement.claim_ids
from population
join heart_replacement
    on heart_replacement.person_id = population.person_id
    and heart_replacement.stay_id <> population.event_id
    and heart_replacement.performed_on between cast(population.admit_date - interval 12 month as date) and population.admit_date - 1
