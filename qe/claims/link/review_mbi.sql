-- Grain: one row per member and person with equal MBI whose birth date and first name both disagree. Decides: an analyst looks.
insert into link_review
select distinct link_member.group_id, link_pool.cluster_id, 'mbi_of_another_person'
from link_member
join link_pool on link_pool.mbi = link_member.mbi
where link_pool.birth_date <> link_member.birth_date
    and jaro_winkler_similarity(coalesce(link_pool.first_name, ''), coalesce(link_member.first_name, '')) <= 0.85
