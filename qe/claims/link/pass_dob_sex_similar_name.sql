-- Grain: one row per member and person that may be one. Decides: birth date and sex equal, name nearly so (Jaro-Winkler above 0.9) with
-- the ZIP or the first three letters of the first name equal, MBIs not contrary.
create or replace temp table link_candidate as
select distinct link_member.group_id, link_pool.cluster_id
from link_member
join link_pool using (birth_date, sex)
where jaro_winkler_similarity(
        link_member.last_name || ' ' || link_member.first_name, link_pool.last_name || ' ' || link_pool.first_name
    ) > 0.9
    and (link_member.zip5 = link_pool.zip5 or left(link_member.first_name, 3) = left(link_pool.first_name, 3))
    and coalesce(link_member.mbi = link_pool.mbi, true)
