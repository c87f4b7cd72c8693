-- Grain: one row per claim of the file; a claim number is unique within its payor. A row that only reverses another claim is none.
insert into claim_seen
select distinct $source_id, 'medical', concat_ws(':', payor, native_claim_id), delivery_order, sent_order
from incoming
where not (ltrim(coalesce(claim_status, ''), '0') = '22' and coalesce(cross_reference_claim_id, native_claim_id) <> native_claim_id)
