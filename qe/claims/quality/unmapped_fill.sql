-- Grain: one row. Value: share of fills whose ingredients are not known.
select
    cast(coalesce(count(*) filter (where not is_mapped) / nullif(count(*), 0), 0) as decimal(18, 6)) as value,
    count(*) filter (where not is_mapped) as affected
from fill
