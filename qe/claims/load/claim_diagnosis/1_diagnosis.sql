-- Grain: one row per claim and diagnosis slot of the file. Person, day and claim type are the claim's; a superseded claim brings none.
insert into claim_diagnosis
select claim_ref.claim_id, sequence, kind, plain_code(code), coalesce(icd_version, 10), present_on_admission, null, null, null
from incoming
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'model' and claim_ref.native_claim_id = incoming.claim_id
    and claim_ref.delivery_order = incoming.delivery_order
where claim_ref.superseded_by is null
