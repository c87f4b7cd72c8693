-- Grain: one row: how many fills stand in both of two files.
select count(*)
from (select distinct source_id, native_fill_id from fill_seen where delivery_order = $order) as one
join (select distinct source_id, native_fill_id from fill_seen where delivery_order = $other) as other
    using (source_id, native_fill_id)
