-- Grain: one row per episode and claim that began in it (R11). The amounts of an episode add up to the column amount of numerator.sql,
-- those of a kind of care (part, R14) to its column, to the cent; floor and cap (R12, R13) come after.
select event_id, 'claim' as event_kind, claim_id, allowed_amount as amount, part
from episode_cost
order by event_id, service_date, claim_id
