-- Grain: one row per layout and source. Decides: how many rows of its files were quarantined.
select layout, '' as column_name, source_id, cast(sum(rows_read) as bigint) as denominator, cast(sum(rows_quarantined) as bigint) as failing
from received_file
group by layout, source_id
