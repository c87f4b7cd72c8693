-- Grain: one row per member whom a pass left out because too many persons fit, and the pass.
create temp table link_crowded (group_id bigint, link_method varchar)
