-- Grain: one row per person with a claim or fill in the data.
select distinct person_id
from released_row
order by person_id
