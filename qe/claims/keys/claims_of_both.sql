-- Grain: one row: how many claims stand in both of two files.
select count(*)
from (select distinct source_id, claim_kind, native_claim_id from claim_seen where delivery_order = $order) as one
join (select distinct source_id, claim_kind, native_claim_id from claim_seen where delivery_order = $other) as other
    using (source_id, claim_kind, native_claim_id)
