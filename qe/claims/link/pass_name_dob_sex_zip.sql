-- Grain: one row per member and person that may be one. Decides: name, birth date, sex and ZIP equal.
create or replace temp table link_candidate as
select link_member.group_id, link_pool.cluster_id, cast(null as varchar) as doubt
from link_member
join link_pool using (last_name, first_name, birth_date, sex, zip5)
