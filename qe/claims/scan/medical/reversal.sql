-- Grain: one row per reversal of another claim's line.
insert into reversal_seen
select $source_id, concat_ws(':', payor, cross_reference_claim_id), line_number, coalesce(version, 0), paid_date, delivery_order
from incoming
where ltrim(coalesce(claim_status, ''), '0') = '22' and cross_reference_claim_id <> native_claim_id
