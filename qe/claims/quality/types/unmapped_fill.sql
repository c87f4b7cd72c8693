-- Grain: one row per payer type. Decides: how many fills have unknown ingredients.
select '' as source_id, count(*) as denominator, count(*) filter (where not is_mapped) as failing
from fill
