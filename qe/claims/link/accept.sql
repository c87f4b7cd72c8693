-- Grain: one row per member and person newly linked (working table). Decides: a pair is linked when the member has one candidate and the
-- person has one candidate; all others carry on.
create or replace temp table accepted as
with counted as (
    select
        group_id, cluster_id, count(*) over (partition by group_id) as persons,
        count(*) over (partition by cluster_id) as members
    from candidate
    where doubt is null
)
select group_id, cluster_id
from counted
where persons = 1 and members = 1
