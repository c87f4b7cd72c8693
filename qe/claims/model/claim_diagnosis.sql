-- Grain: one row per claim and diagnosis slot. code without dots, upper case; icd_version 9 or 10; kind principal, admitting, other, external.
create table claim_diagnosis (
    claim_id varchar,
    sequence integer,
    kind varchar,
    code varchar,
    icd_version integer,
    present_on_admission varchar,
    person_id varchar,
    from_date date,
    claim_type varchar
)
