-- Grain: one row per pair that an analyst should look at. population is the member's.
create temp table link_review (population integer, group_id bigint, cluster_id bigint, reason varchar)
