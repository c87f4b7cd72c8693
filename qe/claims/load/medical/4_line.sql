-- Grain: one row per claim and line.
insert into claim_line
select
    line.claim_id, line.line_number, line.from_date, line.thru_date, line.revenue_code, line.hcpcs, line.modifiers,
    line.units, line.place_of_service, line.rendering_npi, line.rendering_specialty,
    case when header.bill_type is null then line.billing_tin end,
    line.ndc, line.charge_amount, line.allowed_amount, line.paid_amount, line.member_amount, line.line_status, line.person_id,
    $payer_id, header.claim_type, line.superseded_by, null, false
from medical_line as line
join medical_header as header using (claim_id)
