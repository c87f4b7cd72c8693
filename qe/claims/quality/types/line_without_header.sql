-- Grain: one row per source. Decides: how many delivered claim lines have their claim's header in no file of their folder.
select source_id, cast(sum(lines) as bigint) as denominator, cast(sum(orphan_lines) as bigint) as failing
from split_file
group by source_id
