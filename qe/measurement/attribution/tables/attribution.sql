-- Grain: one row per attributed person or event and level: what a method of attribution gives (attribute.py, SCHEMA).
create or replace temp table attribution (
    person_id varchar,
    event_id varchar,
    method varchar,
    level varchar,
    unit_id varchar,
    step integer,
    allowed_amount decimal(14, 2),
    visits integer,
    last_service_date date,
    share decimal(9, 6),
    rank integer,
    weight decimal(9, 6),
    tie_break varchar,
    runner_up_id varchar,
    driving_claim_ids varchar[]
)
