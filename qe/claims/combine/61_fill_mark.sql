-- Grain: one fill. Decides: the copy names the fill that is kept.
update pharmacy_fill set duplicate_of = fill_duplicate.kept_id
from fill_duplicate
where fill_duplicate.fill_id = pharmacy_fill.fill_id
