-- Grain: one row per layout, rule and source. Decides: how many lines broke a rule of the form of a row.
select
    received_file.layout,
    typed_column.column_name,
    received_file.source_id,
    cast(sum(received_file.rows_read) as bigint) as denominator,
    cast(coalesce(sum(found.rows), 0) as bigint) as failing
from received_file
join typed_column on typed_column.layout = received_file.layout and typed_column.kind = 'rule'
left join quarantine_count as found
    on found.source_id = received_file.source_id
    and found.file = received_file.file
    and found.rule = typed_column.column_name
group by received_file.layout, typed_column.column_name, received_file.source_id
