-- Grain: one row per claim of the data.
select
    claim.claim_id, claim.person_id, claim.payer_type, claim.claim_type, claim.from_date, claim.thru_date, claim.bill_type, claim.drg,
    claim.admission_type, claim.discharge_status, claim.facility_id, claim.billing_npi, claim.attending_npi, claim.charge_amount,
    claim.allowed_amount, claim.paid_amount, claim.member_amount, claim.paid_status
from claim
semi join released_row on released_row.kind = 'claim' and released_row.number = claim.claim_id
order by claim.claim_id
