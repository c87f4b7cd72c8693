-- Grain: one row of a table that belongs to no one source.
select table_row.*, '' as source_id, last_day.last_day
from {table} as table_row
cross join (select max(end_date) as last_day from source_period) as last_day
