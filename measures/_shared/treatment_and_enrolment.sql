-- Grain: one row per person and rule that keeps the person out of the denominator: all reasons, not the first.
-- Decides: fills on two dates (R4), length of the treatment period (R6), pharmacy enrolment (R7, R8).
-- Source: method.md, section 3, of each measure that names this file.
with too_few_fills as (
    select event_id, 'R4' as rule_id, claim_ids
    from population
    where fill_dates < 2
),
short_period as (
    select event_id, 'R6' as rule_id, claim_ids
    from population
    where treatment_days < $min_period_days
),
not_enrolled as (                                                 -- pharmacy benefits observable in the month of the first fill
    select population.event_id, 'R7' as rule_id, population.claim_ids
    from population
    left join person_month
        on person_month.person_id = population.person_id
        and person_month.month = month_of(population.index_date)
    where not coalesce(person_month.pharmacy, false)
),
gap_too_long as (
    select event_id, 'R8' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    where gaps > 1 or longest_gap_days > $gap_rule
)
select event_id, rule_id, claim_ids from too_few_fills
union all select event_id, rule_id, claim_ids from short_period
union all select event_id, rule_id, claim_ids from not_enrolled
union all select event_id, rule_id, claim_ids from gap_too_long
