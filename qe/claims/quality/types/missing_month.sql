-- Grain: one row per source. Decides: how many months between the first and the last have no row, where a month has 11 on average.
select
    source_id,
    date_diff('month', min(month), max(month)) + 1 as denominator,
    date_diff('month', min(month), max(month)) + 1 - count(distinct month) as failing
from volume_by_month
where kind = {value} and rows > 0
group by source_id
having sum(rows) >= 11 * (date_diff('month', min(month), max(month)) + 1)
