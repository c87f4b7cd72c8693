-- Grain: one row per diagnosis of a claim of the data.
select
    claim_diagnosis.claim_id, claim_diagnosis.sequence, claim_diagnosis.kind, claim_diagnosis.code, claim_diagnosis.icd_version,
    claim_diagnosis.person_id
from claim_diagnosis
semi join released_row on released_row.kind = 'claim' and released_row.number = claim_diagnosis.claim_id
order by claim_diagnosis.claim_id, claim_diagnosis.kind, claim_diagnosis.sequence, claim_diagnosis.code
