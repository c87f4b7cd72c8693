-- Grain: one row per kind and source. Decides: how many months differ from the mean of the two months beside them by more than half.
with calendar as (
    select kind, source_id, unnest(generate_series(min(month), max(month), interval 1 month)) as month
    from volume_by_month
    where month is not null
    group by kind, source_id
),
month_row as (
    select calendar.kind, calendar.source_id, calendar.month, coalesce(volume_by_month.rows, 0) as rows
    from calendar
    left join volume_by_month using (kind, source_id, month)
),
neighbour as (
    select
        kind,
        source_id,
        month,
        rows,
        (lag(rows) over beside + lead(rows) over beside) / 2 as around,
        max(month) over (partition by kind, source_id) as last_month
    from month_row
    window beside as (partition by kind, source_id order by month)
)
select
    kind as "limit",
    source_id,
    count(*) as denominator,
    count(*) filter (where rows < 0.5 * around or rows > 2 * around) as failing
from neighbour
where around >= 30 and month < last_month - interval 3 month
group by kind, source_id
