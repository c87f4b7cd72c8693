-- Grain: one row per fill and delivery. Decides: a later delivery supersedes the earlier fill; the earlier one is kept as "<id>-<n>".
create temp table fill_ref as
with placed as (
    select
        source_id, native_fill_id, delivery_order,
        row_number() over (partition by source_id, native_fill_id order by delivery_order) as place,
        count(*) over (partition by source_id, native_fill_id) as deliveries
    from (select distinct source_id, native_fill_id, delivery_order from fill_seen) as seen
)
select
    placed.source_id, placed.native_fill_id, placed.delivery_order,
    cast(fill_key.fill_id as varchar) || case when place < deliveries then '-' || place else '' end as fill_id,
    case when place < deliveries then cast(fill_key.fill_id as varchar) end as superseded_by
from placed
join vault.fill_key using (source_id, native_fill_id)
