-- Grain: one row per claim line with a service code that stands: not denied, reversed, void or replaced, counted once across payers.
-- service_date is the line's first day, else the claim's.
create view service_line as
select
    claim.person_id,
    coalesce(claim_line.from_date, claim.from_date) as service_date,
    claim.claim_id,
    claim_line.line_number,
    claim_line.hcpcs,
    claim_line.modifiers,
    claim.claim_type,
    claim_line.place_of_service,
    claim_line.revenue_code,
    claim.facility_id,
    claim.payer_id,
    claim.payer_type,
    claim_line.allowed_amount,
    coalesce(claim_line.repriced, false) as repriced
from claim
join claim_line using (claim_id)
where claim.service_occurred and claim.superseded_by is null and claim.duplicate_of is null
    and claim_line.superseded_by is null and claim_line.duplicate_of is null
    and coalesce(claim_line.line_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
    and claim_line.hcpcs is not null
