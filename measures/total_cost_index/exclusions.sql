-- Grain: one row per person left out. Decides: who has no month with both medical and pharmacy claims in view (R5).
-- Source: method.md, section 2.
select event_id, 'R5' as rule_id, cast([] as varchar[]) as claim_ids
from population
where member_months = 0
