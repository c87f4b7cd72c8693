-- Grain: one row per claim of the file.
insert into claim_seen
select distinct $source_id, 'model', claim_id, delivery_order, sent_order
from incoming
