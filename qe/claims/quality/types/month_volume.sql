-- Grain: one row per source. Decides: how many months differ from the mean of the two months beside them by more than half.
with month_row as (
    select source_id, month, rows from volume_by_month where kind = {value}
),
calendar as (
    select source_id, unnest(generate_series(min(month), max(month), interval 1 month)) as month
    from month_row
    group by source_id
),
neighbour as (
    select
        calendar.source_id,
        calendar.month,
        coalesce(month_row.rows, 0) as rows,
        (lag(coalesce(month_row.rows, 0)) over beside + lead(coalesce(month_row.rows, 0)) over beside) / 2 as around,
        max(calendar.month) over (partition by calendar.source_id) as last_month
    from calendar
    left join month_row on month_row.source_id = calendar.source_id and month_row.month = calendar.month
    window beside as (partition by calendar.source_id order by calendar.month)
)
select
    source_id,
    count(*) as denominator,
    count(*) filter (where rows < 0.5 * around or rows > 2 * around) as failing
from neighbour
where around >= 30 and month < last_month - interval 3 month
group by source_id
