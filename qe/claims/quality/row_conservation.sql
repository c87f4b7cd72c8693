-- Grain: one row. Value: deliveries whose accepted rows do not each have exactly one fate.
with fate as (
    select delivery_id, sum(rows) as rows from row_fates group by delivery_id
),
accepted as (
    select delivery_id, sum(rows_accepted) as rows_accepted from delivery_fact group by delivery_id
)
select cast(count(*) as decimal(18, 6)) as value, count(*) as affected
from accepted
left join fate using (delivery_id)
where accepted.rows_accepted <> coalesce(fate.rows, 0)
