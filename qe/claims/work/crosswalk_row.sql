-- Grain: one row per crosswalk file and beneficiary id in it; version_order counts a source's crosswalk versions from the oldest.
create temp table crosswalk_row (
    source_id varchar, crosswalk varchar, version_order integer, sent_order integer, native_person_id varchar, mbi varchar,
    hicn varchar, surrogate_key varchar, last_name varchar, first_name varchar, birth_date date, sex integer, zip5 varchar,
    valid_from date, valid_to date
)
