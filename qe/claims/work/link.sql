-- Grain: one row per linked person of a source (group): the person of an earlier source (cluster) that he or she is, and the pass.
-- population is the member's.
create temp table link (population integer, group_id bigint, cluster_id bigint, link_method varchar)
