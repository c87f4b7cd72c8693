-- Grain: one claim line. Decides: person, payer and claim type of a line when a model given as files leaves them out.
update claim_line
set person_id = coalesce(claim_line.person_id, claim.person_id),
    payer_id = coalesce(claim_line.payer_id, claim.payer_id),
    claim_type = coalesce(claim_line.claim_type, claim.claim_type),
    line_status = coalesce(claim_line.line_status, claim.paid_status, 'paid')
from claim
where claim.claim_id = claim_line.claim_id
    and (claim_line.person_id is null or claim_line.payer_id is null or claim_line.claim_type is null or claim_line.line_status is null)
