-- Grain: one row per layout, place in it (a rule of form, a typed column, a column that is never blank) and source.
-- Decides: how many rows were quarantined at that place. A file is its source and sha256: names may come again in later deliveries.
with quarantined as (
    select source_id, sha256, 'rule' as kind, rule as place, rows from quarantine_count
    union all
    select source_id, sha256, 'typed', column_name, rows from quarantine_count where rule in ('bad-date', 'bad-number', 'bad-boolean')
    union all
    select source_id, sha256, 'not_null', column_name, rows from quarantine_count where rule = 'missing-value'
),
of_file as (
    select source_id, sha256, kind, place, sum(rows) as rows from quarantined group by source_id, sha256, kind, place
)
select
    received_file.layout,
    typed_column.column_name,
    received_file.source_id,
    cast(sum(received_file.rows_read) as bigint) as denominator,
    cast(coalesce(sum(of_file.rows), 0) as bigint) as failing
from received_file
join typed_column on typed_column.layout = received_file.layout and typed_column.kind = '{place}'
left join of_file
    on of_file.source_id = received_file.source_id
    and of_file.sha256 = received_file.sha256
    and of_file.kind = typed_column.kind
    and of_file.place = typed_column.column_name
group by received_file.layout, typed_column.column_name, received_file.source_id
