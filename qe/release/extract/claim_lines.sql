-- Grain: one row per line of a Medicare claim among those asked about. Decides: which columns of a line are released.
select
    claim_line.claim_id, claim_line.line_number, claim_line.person_id, claim_line.from_date, claim_line.thru_date,
    claim_line.revenue_code, claim_line.hcpcs, claim_line.modifiers, claim_line.units, claim_line.place_of_service,
    claim_line.rendering_npi, claim_line.rendering_specialty, claim_line.ndc, claim_line.charge_amount, claim_line.allowed_amount,
    claim_line.paid_amount, claim_line.member_amount, claim_line.line_status
from claim_line
join claim using (claim_id)
where claim.payer_type = 'medicare' and claim_id in (select unnest(cast($claim_ids as varchar[])))
order by claim_line.claim_id, claim_line.line_number
