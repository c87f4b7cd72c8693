-- Grain: one row of the entity's roster; describes says of what: facility, group or clinician.
create temp table roster_row (
    npi varchar, ccn varchar, tin varchar, group_tin varchar, name varchar, specialty varchar, facility_type varchar,
    role varchar, describes varchar, zip5 varchar, county_fips varchar, from_date date, to_date date
)
