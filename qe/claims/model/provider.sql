-- Grain: one row per identifier of a provider or supplier (401.703(b), (c)). unit_id is the unit that results are about.
create table provider (
    provider_id varchar,
    id_type varchar,
    unit_id varchar,
    name varchar,
    role varchar,
    provider_type varchar,
    specialty varchar,
    tin varchar,
    zip5 varchar,
    county_fips varchar,
    is_individual boolean,
    valid_from date,
    valid_to date
)
