-- Grain: one row per source, crosswalk version and beneficiary id in it. bound_id is the id that the person goes by from then on: the one
-- of the oldest version that knows the person; method says what showed it ("new": no older version does).
create temp table bound_person (
    source_id varchar, crosswalk varchar, version_order integer, native_person_id varchar, bound_id varchar, method varchar
)
