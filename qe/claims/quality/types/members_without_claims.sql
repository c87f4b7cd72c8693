-- Grain: one row per source. Decides: how many persons with a full year of cover have no claim (fill) in it at all, of any payer.
-- The year: twelve months up to the payer's last month of cover within the source's period.
with last_year as (
    select payer_id, max(month) - interval 11 month as first_day, last_day(max(month)) as last_day
    from checked_row
    where {column} and month <= coalesce(source_end, month)
    group by payer_id
),
covered as (
    select checked_row.source_id, checked_row.payer_id, checked_row.person_id
    from checked_row
    join last_year on last_year.payer_id = checked_row.payer_id and checked_row.month between last_year.first_day and last_year.last_day
    where {column}
    group by checked_row.source_id, checked_row.payer_id, checked_row.person_id
    having count(distinct checked_row.month) = 12
),
served as (
    select distinct last_year.payer_id, {table}.person_id
    from {table}
    join last_year on {table}.{other} between last_year.first_day and last_year.last_day
    where {table}.superseded_by is null
)
select
    covered.source_id,
    count(*) as denominator,
    count(*) filter (where served.person_id is null) as failing
from covered
left join served on served.payer_id = covered.payer_id and served.person_id = covered.person_id
group by covered.source_id
