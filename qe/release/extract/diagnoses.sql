-- Grain: one row per diagnosis of a Medicare claim among those asked about. Decides: which columns of a diagnosis are released.
select
    claim_diagnosis.claim_id, claim_diagnosis.sequence, claim_diagnosis.person_id, claim_diagnosis.kind, claim_diagnosis.code,
    claim_diagnosis.icd_version, claim_diagnosis.present_on_admission
from claim_diagnosis
join claim using (claim_id)
where claim.payer_type = 'medicare' and claim_id in (select unnest(cast($claim_ids as varchar[])))
order by claim_diagnosis.claim_id, claim_diagnosis.kind, claim_diagnosis.sequence, claim_diagnosis.code
