-- Grain: one row per member and person of a pass that is for review only.
insert into link_review
select $population, group_id, cluster_id, $method
from candidate
