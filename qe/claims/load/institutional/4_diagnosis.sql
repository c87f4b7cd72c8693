-- Grain: one row per claim and diagnosis slot; ICD-9 and ICD-10 kept apart. A superseded claim brings none.
insert into claim_diagnosis
select
    header.claim_id, slot.sequence, slot.kind, plain_code(slot.code), slot.icd_version, slot.present_on_admission,
    header.person_id, header.from_date, header.claim_type
from (select claim_id, person_id, from_date, claim_type, superseded_by, unnest(diagnoses) as slot from institutional_header) as header
where header.superseded_by is null and plain_code(slot.code) is not null
