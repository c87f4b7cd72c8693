-- Grain: one row per fill of the population. Decides: what was dispensed as a generic (R9), in 30-day fills.
-- Source: method.md, section 4.
select
    event_id,
    cast(case when brand_generic = 'G' then exposure else 0 end as decimal(18, 6)) as value,
    ['R9'] as rule_ids,
    cast([] as varchar[]) as claim_ids
from population
