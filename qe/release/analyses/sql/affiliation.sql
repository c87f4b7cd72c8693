-- Grain: one row per clinician, group and source. Decides: who belonged to which group on any day from $start to $end.
select distinct npi, group_unit_id, source
from affiliation
where coalesce(from_date <= $end, true) and coalesce(to_date >= $start, true)
order by npi, group_unit_id, source
