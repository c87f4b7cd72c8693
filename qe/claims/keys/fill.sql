-- Grain: one row per fill not seen before. Ids are dense integers in sorted order, kept for ever; new ones are appended.
insert into vault.fill_key
select
    source_id, native_fill_id,
    (select coalesce(max(fill_id), 0) from vault.fill_key) + row_number() over (order by source_id, native_fill_id)
from (select distinct source_id, native_fill_id from fill_seen) as seen
anti join vault.fill_key using (source_id, native_fill_id)
