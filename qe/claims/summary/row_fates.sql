-- Grain: one row per delivery and fate of its accepted rows.
create table row_fates as
with counted as (
    select delivery.delivery_id, delivery.source_id, claim_row.fate, count(*) as rows
    from claim_row
    join delivery using (sent_order)
    group by all
    union all
    select delivery_id, source_id, 'replaced', rows
    from replaced_rows
)
select delivery_id, source_id, fate, cast(sum(rows) as bigint) as rows
from counted
group by delivery_id, source_id, fate
order by delivery_id, source_id, fate
