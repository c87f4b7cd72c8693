-- Grain: one claim diagnosis. Decides: person, day and claim type of a diagnosis when a model given as files leaves them out.
update claim_diagnosis
set person_id = coalesce(claim_diagnosis.person_id, claim.person_id),
    from_date = coalesce(claim_diagnosis.from_date, claim.from_date),
    claim_type = coalesce(claim_diagnosis.claim_type, claim.claim_type),
    code = plain_code(claim_diagnosis.code),
    icd_version = coalesce(claim_diagnosis.icd_version, 10)
from claim
where claim.claim_id = claim_diagnosis.claim_id
    and (
        claim_diagnosis.person_id is null or claim_diagnosis.from_date is null or claim_diagnosis.claim_type is null
        or claim_diagnosis.icd_version is null or claim_diagnosis.code is distinct from plain_code(claim_diagnosis.code)
    )
