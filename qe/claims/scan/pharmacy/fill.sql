-- Grain: one row per pharmacy claim line of the file.
insert into fill_seen
select distinct $source_id, concat_ws(':', payor, native_claim_id, coalesce(line_number, 1)), delivery_order, sent_order
from incoming
