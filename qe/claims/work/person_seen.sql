-- Grain: at least one row per native person id of a source.
create temp table person_seen (source_id varchar, native_person_id varchar)
