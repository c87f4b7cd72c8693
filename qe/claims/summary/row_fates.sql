-- Grain: one row per delivery and fate of its accepted rows.
create table row_fates as
select delivery_id, source_id, fate, cast(sum(rows) as bigint) as rows
from row_fate
group by delivery_id, source_id, fate
order by delivery_id, source_id, fate
