-- Grain: one row per linked member: the person (cluster) that he or she is, and the pass that said so.
insert into link
select $population, group_id, cluster_id, $method
from accepted
