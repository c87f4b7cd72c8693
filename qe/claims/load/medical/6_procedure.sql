-- Grain: one row per claim and procedure slot; ICD-9 and ICD-10 kept apart. APCD-CDL has no procedure dates: the first day of the claim.
insert into claim_procedure
select
    header.claim_id, slot.sequence, plain_code(slot.code), slot.icd_version,
    coalesce(slot.procedure_date, header.from_date), header.person_id
from (select claim_id, person_id, from_date, superseded_by, unnest(procedures) as slot from medical_header) as header
where header.superseded_by is null and plain_code(slot.code) is not null
