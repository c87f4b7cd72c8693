-- Grain: one row per layout and source. Decides: how many files hold another number of rows than their trailer states.
select
    layout,
    '' as column_name,
    source_id,
    count(*) as denominator,
    count(*) filter (where expected_rows is null or expected_rows <> rows_read) as failing
from received_file
group by layout, source_id
