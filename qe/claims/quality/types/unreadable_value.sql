-- Grain: one row per layout, column and source. Decides: how many rows were quarantined because of the value of a column.
select
    received_file.layout,
    typed_column.column_name,
    received_file.source_id,
    cast(sum(received_file.rows_read) as bigint) as denominator,
    cast(coalesce(sum(found.rows), 0) as bigint) as failing
from received_file
join typed_column on typed_column.layout = received_file.layout and typed_column.kind = 'typed'
left join quarantine_count as found
    on found.source_id = received_file.source_id
    and found.file = received_file.file
    and found.column_name = typed_column.column_name
    and found.rule in ('bad-date', 'bad-number', 'bad-boolean')
group by received_file.layout, typed_column.column_name, received_file.source_id
