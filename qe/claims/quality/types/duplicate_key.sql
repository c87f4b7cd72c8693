-- Grain: one row. Decides: how many rows are beyond the first of their key.
select '' as source_id, count(*) as denominator, count(*) - count(distinct ({key})) as failing
from {table}
