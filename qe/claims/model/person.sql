-- Grain: one row per person (linked across payers). Source: contracts.md section 4. sex: 1 male, 2 female, 0 unknown.
create table person (
    person_id varchar,
    birth_date date,
    death_date date,
    sex integer,
    race varchar,
    zip5 varchar,
    county_fips varchar,
    entitlement_reason varchar
)
