-- Grain: one row per unit that results are about, with the part of its stays that our sources see; null where nobody counts them all.
select unit.*, catchment.share as catchment_share
from unit
left join catchment using (unit_id)
order by unit_id, level, identifier
