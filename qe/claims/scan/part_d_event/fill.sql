-- Grain: one row per Part D event of the file.
insert into fill_seen
select distinct $source_id, native_claim_id, delivery_order, sent_order
from incoming
