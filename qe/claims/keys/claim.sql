-- Grain: one row per claim not seen before. Ids are dense integers in sorted order, kept for ever; new ones are appended.
insert into vault.claim_key
select
    source_id, claim_kind, native_claim_id,
    (select coalesce(max(claim_id), 0) from vault.claim_key)
        + row_number() over (order by source_id, claim_kind, native_claim_id)
from (select distinct source_id, claim_kind, native_claim_id from claim_seen) as seen
anti join vault.claim_key using (source_id, claim_kind, native_claim_id)
