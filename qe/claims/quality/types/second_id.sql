-- Grain: one row per source. Decides: how many ids of a source are a person's second.
select
    source_id,
    cast(sum(persons) filter (where kind = 'method') as bigint) as denominator,
    cast(coalesce(sum(persons) filter (where kind = 'two_ids'), 0) as bigint) as failing
from linkage_report
group by source_id
