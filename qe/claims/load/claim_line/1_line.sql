-- Grain: one row per claim line of the file. Person, payer and claim type are the claim's.
insert into claim_line
select
    claim_ref.claim_id, line_number, from_date, thru_date, revenue_code, hcpcs, modifiers, units, place_of_service, rendering_npi,
    rendering_specialty, rendering_tin, ndc, charge_amount, allowed_amount, paid_amount, member_amount, line_status, null, null,
    null, claim_ref.superseded_by, null, coalesce(repriced, false)
from incoming
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'model' and claim_ref.native_claim_id = incoming.claim_id
    and claim_ref.delivery_order = incoming.delivery_order
where incoming.superseded_by is null
