-- Grain: one row per source. Decides: how many live rows beyond the first repeat a service under another claim number.
select source_id, cast(sum(rows) as bigint) as denominator, cast(sum(rows - 1) filter (where is_repeated) as bigint) as failing
from (
    select source_id, {key}, count(*) as rows, min({id}) <> max({id}) as is_repeated
    from checked_row
    where ({only}) and ({given})
    group by source_id, {key}
) as service
group by source_id
