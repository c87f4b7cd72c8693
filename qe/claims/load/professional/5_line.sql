-- Grain: one row per claim and line.
insert into claim_line
select
    claim_id, line_number, line_from_date, line_thru_date, null, hcpcs, modifiers, units, place_of_service, rendering_npi,
    rendering_specialty, rendering_tin, ndc, charge_amount, allowed_amount, paid_amount, member_amount, line_status,
    person_id, $payer_id, claim_type, superseded_by, null, false
from professional_line
