-- Grain: one row per claim of the file. Decides: which deliveries a claim came in.
insert into claim_seen
select distinct $source_id, claim_type, native_claim_id, delivery_order, sent_order
from incoming
