-- Grain: one row per member and person that may be one. Decides: first name, birth date, ZIP and sex equal (a new last name), MBIs not contrary.
create or replace temp table link_candidate as
select distinct link_member.group_id, link_pool.cluster_id
from link_member
join link_pool using (first_name, birth_date, zip5, sex)
where coalesce(link_member.mbi = link_pool.mbi, true)
