-- Grain: one row per fill of the file.
insert into fill_seen
select distinct $source_id, fill_id, delivery_order, sent_order
from incoming
