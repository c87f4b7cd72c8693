-- Grain: one row. Decides: how many rows refer to a row that is not in the other table.
select
    '' as source_id,
    count(*) as denominator,
    count(*) filter (
        where referring.{column} not in (select {other_column} from {other_table} where {other_column} is not null)
    ) as failing
from {table} as referring
where referring.{column} is not null
