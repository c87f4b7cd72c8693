-- Grain: one row per acute stay. chain_id is the stay_id of the last stay of the chain; position counts from 1.
create table transfer_chain (
    chain_id varchar,
    stay_id varchar,
    position integer,
    is_first boolean,
    is_last boolean,
    person_id varchar,
    chain_admit_date date,
    chain_discharge_date date
)
