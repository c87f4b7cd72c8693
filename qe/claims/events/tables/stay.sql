-- Grain: one row per stay (interim bills and same-day continuations combined). stay_id is the claim_id of its last bill.
create table stay (
    stay_id varchar,
    person_id varchar,
    facility_id varchar,
    facility_type varchar,
    is_acute boolean,
    payer_id varchar,
    payer_type varchar,
    admit_date date,
    discharge_date date,
    discharge_status varchar,
    is_open boolean,
    died boolean,
    principal_diagnosis varchar,
    icd_version integer,
    drg varchar,
    admission_type varchar,
    point_of_origin varchar,
    allowed_amount decimal(14, 2),
    paid_amount decimal(14, 2),
    claim_ids varchar[]
)
