-- Grain: one row per source, crosswalk version and beneficiary id in it; version_order counts from the oldest.
create temp table crosswalk_person (
    source_id varchar, crosswalk varchar, version_order integer, native_person_id varchar, mbi varchar, hicn varchar,
    surrogate_key varchar, last_name varchar, first_name varchar, birth_date date, sex integer, zip5 varchar
)
