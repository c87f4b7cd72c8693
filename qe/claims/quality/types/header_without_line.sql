-- Grain: one row per source. Decides: how many delivered claim headers have no line in the files of their folder.
select source_id, cast(sum(headers) as bigint) as denominator, cast(sum(headers_without_lines) as bigint) as failing
from split_file
group by source_id
