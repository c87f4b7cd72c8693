-- Grain: one row per claim and procedure slot; ICD-9 and ICD-10 kept apart. A superseded claim brings none.
insert into claim_procedure
select header.claim_id, slot.sequence, plain_code(slot.code), slot.icd_version, slot.procedure_date, header.person_id
from (select claim_id, person_id, superseded_by, unnest(procedures) as slot from institutional_header) as header
where header.superseded_by is null and plain_code(slot.code) is not null
