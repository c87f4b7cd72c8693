-- Grain: one row per claim. Amounts from the lines.
insert into claim
select
    claim_id, $source_id, $payer_id, $payer_type, person_id, claim_type, from_date, thru_date, null, null, null, null, null,
    null, null, null, null, organisation_npi, rendering_tin, null, null, charge_amount, allowed_amount, paid_amount,
    member_amount, primary_payer_amount, paid_status, paid_status in ('paid', 'zero_paid', 'other_payer_paid'), paid_date,
    null, delivery_id, primary_payer_code, cob_order, null, null, null, false, 0, null, 'lines', superseded_by, null, false
from professional_header
