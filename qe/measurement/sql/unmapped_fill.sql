-- Grain: one row. Decides: how many fills of the period stand in no drug map (no ingredient is known of them), and for how many dollars.
select
    count(*) as fills,
    count(*) filter (where not is_mapped) as unmapped,
    cast(coalesce(sum(allowed_amount), 0) as decimal(18, 2)) as allowed_amount,
    cast(coalesce(sum(allowed_amount) filter (where not is_mapped), 0) as decimal(18, 2)) as unmapped_amount
from fill
where fill_date between $period_start and $period_end
