-- Grain: one row per clinician (NPI), group and span of days, both inclusive; NULL means open.
create table affiliation (
    npi varchar,
    group_unit_id varchar,
    from_date date,
    to_date date,
    source varchar
)
