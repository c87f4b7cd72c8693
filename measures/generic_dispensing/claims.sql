-- Grain: one row per fill considered (R1): the fill itself. No dollars are added up.
select
    event_id,
    'fill' as event_kind,
    event_id as claim_id,
    cast(null as decimal(14, 2)) as amount
from population
order by event_id
