-- Grain: one row per kind and source. Decides: how many months between the first and the last have no row, where a month has 11 on average.
select
    kind as "limit",
    source_id,
    date_diff('month', min(month), max(month)) + 1 as denominator,
    date_diff('month', min(month), max(month)) + 1 - count(distinct month) as failing
from volume_by_month
where rows > 0 and month is not null
group by kind, source_id
having sum(rows) >= 11 * (date_diff('month', min(month), max(month)) + 1)
