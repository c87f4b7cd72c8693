-- Grain: one row per source. Decides: how many persons with a full year of cover have no claim (fill) in it at all.
with last_month as (
    select payer_id, max(month) as month from member_month where {column} group by payer_id
),
covered as (
    select checked_row.source_id, checked_row.person_id
    from checked_row
    join last_month using (payer_id)
    where {column} and checked_row.month > last_month.month - interval 12 month
    group by checked_row.source_id, checked_row.person_id
    having count(distinct checked_row.month) = 12
),
served as (
    select distinct person_id from {table} where superseded_by is null
)
select
    covered.source_id,
    count(*) as denominator,
    count(*) filter (where served.person_id is null) as failing
from covered
left join served using (person_id)
group by covered.source_id
