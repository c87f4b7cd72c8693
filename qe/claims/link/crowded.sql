-- Grain: one row per member whom so many persons fit, or who fits so many's person, that asking an analyst is no help: he or she is left
-- out of the pass, and counted.
insert into link_crowded
with counted as (
    select
        group_id, count(*) over (partition by group_id) as persons, count(*) over (partition by cluster_id) as members
    from candidate
    anti join accepted using (group_id, cluster_id)
)
select distinct group_id, $method
from counted
where persons > $most_candidates or members > $most_candidates
