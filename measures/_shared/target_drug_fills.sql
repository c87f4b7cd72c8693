-- Grain: one row per target drug fill of a person considered (R1, R2), in the order of the fills whose days are counted. No dollars are added up.
with target_fill as (
    select event_id, unnest(claim_ids) as fill_id, unnest(range(1, len(claim_ids) + 1)) as place
    from population
)
select
    event_id,
    'fill' as event_kind,
    fill_id as claim_id,
    cast(null as decimal(14, 2)) as amount
from target_fill
order by event_id, place
