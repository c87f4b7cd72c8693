-- Grain: one claim procedure. Decides: person and day of a procedure when a model given as files leaves them out.
update claim_procedure
set person_id = coalesce(claim_procedure.person_id, claim.person_id),
    procedure_date = coalesce(claim_procedure.procedure_date, claim.from_date),
    code = plain_code(claim_procedure.code),
    icd_version = coalesce(claim_procedure.icd_version, 10)
from claim
where claim.claim_id = claim_procedure.claim_id
    and (
        claim_procedure.person_id is null or claim_procedure.procedure_date is null or claim_procedure.icd_version is null
        or claim_procedure.code is distinct from plain_code(claim_procedure.code)
    )
