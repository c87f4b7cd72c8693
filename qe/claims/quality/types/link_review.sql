-- Grain: one row per source. Decides: how many persons of a source were left to review.
select
    source_id,
    cast(sum(persons) filter (where kind = 'method') as bigint) as denominator,
    cast(coalesce(sum(persons) filter (where kind = 'review'), 0) as bigint) as failing
from linkage_report
group by source_id
