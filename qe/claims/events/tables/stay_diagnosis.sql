-- Grain: one row per stay and diagnosis of its bills, once each; sequence 1 is the principal diagnosis.
create table stay_diagnosis (
    stay_id varchar,
    sequence integer,
    kind varchar,
    code varchar,
    icd_version integer,
    present_on_admission varchar
)
