-- Grain: one row per event and rule that keeps it out. Decides: people without a member month (R4); visits that ended in an admission
-- (R6), of people under 18 (R7), in a month out of view (R8), and with a diagnosis that has no class (R11).
-- Source: method.md, sections 2 to 4.
with reason as (
    select measure_id, event_id, 'R4' as rule_id, claim_ids
    from population
    where measure_id = 'ed_visit_rate' and member_months = 0
    union all
    select measure_id, event_id, 'R6' as rule_id, claim_ids
    from population
    where is_admitted
    union all
    select measure_id, event_id, 'R7' as rule_id, claim_ids
    from population
    where measure_id = 'ed_avoidable_share' and coalesce(age_at_visit < 18, true)
    union all
    select measure_id, event_id, 'R8' as rule_id, claim_ids
    from population
    where not is_in_view
    union all
    select measure_id, event_id, 'R11' as rule_id, claim_ids
    from population
    where measure_id = 'ed_avoidable_share' and avoidable is null
)
select event_id, measure_id, rule_id, claim_ids
from reason
