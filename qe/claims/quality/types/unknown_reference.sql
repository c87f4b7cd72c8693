-- Grain: one row. Decides: how many rows refer to a row that is not in the other table.
select
    '' as source_id,
    count(*) as denominator,
    count(*) filter (where target.key is null) as failing
from {table} as referring
left join (select distinct {other_column} as key from {other_table}) as target on target.key = referring.{column}
where referring.{column} is not null
