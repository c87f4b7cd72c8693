-- Grain: one row per party that shares its person with another id of the same source.
create temp table same_person (party_id bigint, group_id bigint)
