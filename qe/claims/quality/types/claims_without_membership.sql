-- Grain: one row per source. Decides: how many claims lie in a month in which their payer does not cover the person at all.
select
    checked_row.source_id,
    count(*) as denominator,
    count(*) filter (where cover.person_id is null) as failing
from checked_row
left join (select distinct person_id, payer_id, month from member_month) as cover
    on cover.person_id = checked_row.person_id
    and cover.payer_id = checked_row.payer_id
    and cover.month = date_trunc('month', checked_row.{column})
where ({only})
group by checked_row.source_id
