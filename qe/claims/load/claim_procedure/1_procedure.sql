-- Grain: one row per claim and procedure slot of the file. The person is the claim's; a superseded claim brings none.
insert into claim_procedure
select claim_ref.claim_id, sequence, plain_code(code), coalesce(icd_version, 10), procedure_date, null
from incoming
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'model' and claim_ref.native_claim_id = incoming.claim_id
    and claim_ref.delivery_order = incoming.delivery_order
where claim_ref.superseded_by is null
