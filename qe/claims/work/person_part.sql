-- Grain: one row per native person id and file that describes the person; the latest wins.
create temp table person_part (
    source_id varchar, native_person_id varchar, payer_type varchar, delivery_order integer, as_of date,
    birth_date date, death_date date, sex integer, race varchar, zip5 varchar, county_fips varchar,
    entitlement_reason varchar
)
