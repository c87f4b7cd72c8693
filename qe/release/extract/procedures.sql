-- Grain: one row per procedure of a Medicare claim among those asked about. Decides: which columns of a procedure are released.
select
    claim_procedure.claim_id, claim_procedure.sequence, claim_procedure.person_id, claim_procedure.code,
    claim_procedure.icd_version, claim_procedure.procedure_date
from claim_procedure
join claim using (claim_id)
where claim.payer_type = 'medicare' and claim_id in (select unnest(cast($claim_ids as varchar[])))
order by claim_procedure.claim_id, claim_procedure.sequence, claim_procedure.code
