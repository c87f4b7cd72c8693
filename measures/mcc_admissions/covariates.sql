-- Grain: one row per person considered and chronic condition (R20). Age on the first day of the period, sex and payer line are the
-- engine's. Source: method.md, section 6.
select event_id, 'condition:' || unnest(condition_names) as factor, cast(1 as decimal(18, 6)) as value
from population
