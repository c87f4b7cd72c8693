-- Grain: one row per source. Decides: how many ids of a source are a person's second. Ids that a later crosswalk numbers anew are no fault.
select
    source_id,
    cast(sum(persons) filter (where kind = 'method') as bigint) as denominator,
    cast(coalesce(sum(persons) filter (where kind = 'two_ids' and name <> 'renumbered'), 0) as bigint) as failing
from linkage_report
group by source_id
