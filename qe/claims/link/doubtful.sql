-- Grain: one row per member and person that a pass found and did not link (working table). Decides: why an analyst should look: a number
-- or middle initial that says no, or several candidates (too many are no help: crowded.sql).
insert into link_review
with counted as (
    select
        group_id, cluster_id, doubt, count(*) over (partition by group_id) as persons,
        count(*) over (partition by cluster_id) as members
    from candidate
    anti join accepted using (group_id, cluster_id)
)
select $population, group_id, cluster_id, coalesce(doubt, 'several_candidates')
from counted
where persons <= $most_candidates and members <= $most_candidates
