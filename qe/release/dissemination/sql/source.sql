-- Grain: one row per source with a claim or fill in the data.
select distinct source_id
from released_row
order by source_id
