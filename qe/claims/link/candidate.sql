-- Grain: one row per member and person that a pass found (working table). Decides: a person known in several ways is compared by the one
-- that raises no doubt, where there is one.
create or replace temp table candidate as
select group_id, cluster_id, case when bool_and(doubt is not null) then min(doubt) end as doubt
from link_candidate
group by group_id, cluster_id
