-- Grain: one row per member and person that may be one. Decides: equal MBI, unless birth date and first name both disagree
-- (a spouse's number).
create or replace temp table link_candidate as
select distinct link_member.group_id, link_pool.cluster_id
from link_member
join link_pool on link_pool.mbi = link_member.mbi
where link_pool.birth_date = link_member.birth_date
    or jaro_winkler_similarity(coalesce(link_pool.first_name, ''), coalesce(link_member.first_name, '')) > 0.85
    or link_member.birth_date is null or link_pool.birth_date is null
