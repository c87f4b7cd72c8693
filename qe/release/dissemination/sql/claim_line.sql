-- Grain: one row per line of a claim of the data; no superseded version and no copy.
select
    claim_line.claim_id, claim_line.line_number, claim_line.person_id, claim_line.from_date, claim_line.revenue_code, claim_line.hcpcs,
    claim_line.units, claim_line.place_of_service, claim_line.rendering_npi, claim_line.rendering_specialty, claim_line.allowed_amount,
    claim_line.paid_amount
from claim_line
semi join released_row on released_row.kind = 'claim' and released_row.number = claim_line.claim_id
where claim_line.superseded_by is null and claim_line.duplicate_of is null
order by claim_line.claim_id, claim_line.line_number
