-- Grain: one row per person and rule that keeps the person out of the denominator: all reasons, not the first.
-- Decides: months of Part B (R3) and hospice (R4). Source: method.md, section 3.
with too_few_months as (
    select event_id, 'R3' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    where part_b_months < $min_months
),
in_hospice as (
    select
        population.event_id,
        'R4' as rule_id,
        coalesce(
            list(hospice_span.claim_id order by hospice_span.first_day, hospice_span.claim_id)
                filter (where hospice_span.claim_id is not null),
            cast([] as varchar[])
        ) as claim_ids
    from population
    join hospice_span
        on hospice_span.person_id = population.person_id
        and hospice_span.first_day <= $period_end
        and hospice_span.last_day >= $period_start
    group by population.event_id
)
select event_id, rule_id, claim_ids from too_few_months
union all select event_id, rule_id, claim_ids from in_hospice
