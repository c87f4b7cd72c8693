-- Grain: one row per measure, event and rule that keeps the event out of the denominator: all reasons, not the first.
-- Decides: months held (R6) and prostate disease known before the period (R7). Source: method.md, section 3.
with too_few_months as (
    select measure_id, event_id, 'R6' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    where months_held < $min_months
),
known_disease as (
    select distinct population.measure_id, population.event_id, diagnosis_event.claim_id, diagnosis_event.event_date
    from population
    join diagnosis_event on diagnosis_event.person_id = population.person_id and diagnosis_event.icd_version = 10
    join value_set on value_set.name = 'prostate_dx' and value_set.code = diagnosis_event.code
    where population.service = 'psa' and diagnosis_event.event_date < $period_start
),
with_disease as (
    select measure_id, event_id, 'R7' as rule_id, list(claim_id order by event_date, claim_id) as claim_ids
    from known_disease
    group by measure_id, event_id
)
select measure_id, event_id, rule_id, claim_ids from too_few_months
union all select measure_id, event_id, rule_id, claim_ids from with_disease
