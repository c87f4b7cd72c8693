-- Grain: one row per person, day and facility with an emergency department visit. event_id is person_id:date:facility_id.
create table ed_visit (
    event_id varchar,
    person_id varchar,
    visit_date date,
    facility_id varchar,
    payer_type varchar,
    principal_diagnosis varchar,
    icd_version integer,
    is_admitted boolean,
    allowed_amount decimal(14, 2),
    claim_ids varchar[]
)
