-- Grain: one row per source. Decides: how many rows have the commonest value of the column.
select source_id, cast(sum(rows) as bigint) as denominator, max(rows) as failing
from (
    select source_id, {column}, sum(rows) as rows
    from checked_row
    where {column} is not null and ({only})
    group by source_id, {column}
) as value_count
group by source_id
