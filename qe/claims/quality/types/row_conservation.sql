-- Grain: one row per source. Decides: how many deliveries have accepted rows that do not each have exactly one fate.
with fate as (
    select delivery_id, sum(rows) as rows from row_fates group by delivery_id
),
accepted as (
    select source_id, delivery_id, sum(rows_accepted) as rows_accepted from delivery_fact group by source_id, delivery_id
)
select
    accepted.source_id,
    count(*) as denominator,
    count(*) filter (where accepted.rows_accepted <> coalesce(fate.rows, 0)) as failing
from accepted
left join fate using (delivery_id)
group by accepted.source_id
