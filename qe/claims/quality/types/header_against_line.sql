-- Grain: one row per source. Decides: how many carrier and DME claims have a header payment that is not the sum of their lines.
select source_id, cast(sum(claims) as bigint) as denominator, cast(sum(unequal) as bigint) as failing
from line_reconciliation
group by source_id
