-- Grain: one row per stay and rule that keeps it from being an index stay: all reasons, not the first (R15 for any stay in its window).
-- Decides: R5 to R17. What readmission measures have in common is decided in index_stay_bar.sql. Source: method.md, section 3.
with recursive heart_replacement as (                             -- R13, R14: on any inpatient claim, by the day of the procedure
    select stay.person_id, stay.stay_id, stay.claim_ids, coalesce(stay_procedure.procedure_date, stay.admit_date) as performed_on
    from stay_procedure
    join value_set on value_set.name = 'heart_replacement_px' and value_set.code = stay_procedure.code
    join stay using (stay_id)
    where stay_procedure.icd_version = 10
),
reason as (
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
),
candidate as (                                                    -- R15: stays that nothing else keeps from being an index stay
    select
        event_id, person_id, admit_date, discharge_date, claim_ids,
        row_number() over (partition by person_id order by admit_date, discharge_date, event_id) as place
    from population
    where not exists (select 1 from reason where reason.event_id = population.event_id)
),
next_index as (                                                   -- the first that begins after day 30
    select candidate.event_id, candidate.person_id, min(later.place) as place
    from candidate
    join candidate as later on later.person_id = candidate.person_id and later.admit_date > candidate.discharge_date + 30
    group by candidate.event_id, candidate.person_id
),
index_stay as (                                                   -- R15, R16: only an index stay opens a window
    select event_id, person_id, admit_date, discharge_date, claim_ids
    from candidate
    where place = 1
    union all
    select candidate.event_id, candidate.person_id, candidate.admit_date, candidate.discharge_date, candidate.claim_ids
    from index_stay
    join next_index on next_index.event_id = index_stay.event_id
    join candidate on candidate.person_id = next_index.person_id and candidate.place = next_index.place
)
select event_id, rule_id, claim_ids
from reason
union all
select population.event_id, 'R15' as rule_id, index_stay.claim_ids
from population
join index_stay
    on index_stay.person_id = population.person_id
    and population.admit_date <= index_stay.discharge_date + 30
    and (population.admit_date, coalesce(population.discharge_date, date '9999-12-31'), population.event_id)
    > (index_stay.admit_date, index_stay.discharge_date, index_stay.event_id)
