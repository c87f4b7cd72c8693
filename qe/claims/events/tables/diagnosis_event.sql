-- Grain: one row per claim, code and kind of a service that occurred, counted once across payers.
create table diagnosis_event (
    person_id varchar,
    event_date date,
    code varchar,
    icd_version integer,
    kind varchar,
    claim_id varchar,
    claim_type varchar,
    is_inpatient boolean
)
