-- Grain: one row per member and person that may be one. Decides: name, birth date and sex equal; a contrary MBI or middle initial leaves
-- the pair to an analyst (namesakes).
create or replace temp table link_candidate as
select
    link_member.group_id, link_pool.cluster_id,
    case
        when link_member.mbi <> link_pool.mbi then 'contrary_mbi'
        when link_member.middle_initial <> link_pool.middle_initial then 'contrary_middle_initial'
    end as doubt
from link_member
join link_pool using (last_name, first_name, birth_date, sex)
