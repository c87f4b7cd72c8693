-- Grain: one row per procedure of a claim of the data.
select
    claim_procedure.claim_id, claim_procedure.sequence, claim_procedure.code, claim_procedure.icd_version, claim_procedure.procedure_date,
    claim_procedure.person_id
from claim_procedure
semi join released_row on released_row.kind = 'claim' and released_row.number = claim_procedure.claim_id
order by claim_procedure.claim_id, claim_procedure.sequence, claim_procedure.code
