-- Grain: one row per party that shares its person with a party of the same source that has a smaller number: that number.
create temp table shared_group (party_id bigint, group_id bigint)
