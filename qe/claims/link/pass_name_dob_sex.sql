-- Grain: one row per member and person that may be one. Decides: name, birth date and sex equal, MBIs not contrary.
create or replace temp table link_candidate as
select distinct link_member.group_id, link_pool.cluster_id
from link_member
join link_pool using (last_name, first_name, birth_date, sex)
where coalesce(link_member.mbi = link_pool.mbi, true)
