-- Grain: one row per stay, procedure and procedure date of its bills, once each.
create table stay_procedure (
    stay_id varchar,
    sequence integer,
    code varchar,
    icd_version integer,
    procedure_date date
)
