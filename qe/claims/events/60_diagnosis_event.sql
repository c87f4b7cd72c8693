-- Grain: one row per claim, code and kind. Decides: diagnoses count where the service took place, paid or not, once across payers.
insert into diagnosis_event
select distinct
    claim_diagnosis.person_id, claim_diagnosis.from_date, claim_diagnosis.code, claim_diagnosis.icd_version, claim_diagnosis.kind,
    claim_diagnosis.claim_id, claim_diagnosis.claim_type, claim_diagnosis.claim_type = 'inpatient'
from claim_diagnosis
join claim using (claim_id)
where claim.service_occurred and claim.superseded_by is null and claim.duplicate_of is null
