-- Grain: one row. Value: share of carrier and DME claims whose header payment is not the sum of their lines.
select
    cast(coalesce(sum(unequal) / nullif(sum(claims), 0), 0) as decimal(18, 6)) as value,
    cast(coalesce(sum(unequal), 0) as bigint) as affected
from line_reconciliation
