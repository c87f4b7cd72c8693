-- Grain: one row per pair that an analyst should look at.
create temp table link_review (group_id bigint, cluster_id bigint, reason varchar)
