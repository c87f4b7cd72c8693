-- Grain: one row per claim and procedure slot. code without dots, upper case; icd_version 9 or 10.
create table claim_procedure (
    claim_id varchar,
    sequence integer,
    code varchar,
    icd_version integer,
    procedure_date date,
    person_id varchar
)
