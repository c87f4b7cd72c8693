-- Grain: one row per member and person that may be one. Decides: first name, birth date, ZIP and sex equal (a new last name); MBIs and
-- middle initials not contrary.
create or replace temp table link_candidate as
select link_member.group_id, link_pool.cluster_id, cast(null as varchar) as doubt
from link_member
join link_pool using (first_name, birth_date, zip5, sex)
where coalesce(link_member.mbi = link_pool.mbi, true)
    and coalesce(link_member.middle_initial = link_pool.middle_initial, true)
