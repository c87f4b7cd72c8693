-- Grain: one row per member and person that may be one. Decides: equal MBI, with a similar first name and one of last name, birth date and
-- ZIP equal (else a spouse's number), or with another first name and last name and birth date equal, when nobody else has the member's
-- name and birth date (else a twin's number).
create or replace temp table link_candidate as
with same_number as (
    select
        link_member.party_id, link_member.group_id, link_pool.cluster_id, link_member.last_name, link_member.first_name,
        link_member.birth_date, link_pool.last_name as other_last_name, link_pool.first_name as other_first_name,
        link_pool.birth_date as other_birth_date, coalesce(link_member.zip5 = link_pool.zip5, true) as same_zip
    from link_member
    join link_pool on link_pool.mbi = link_member.mbi
),
compared as (
    select
        same_number.*,
        coalesce(same_number.last_name = same_number.other_last_name, true) as same_last_name,
        coalesce(jaro_winkler_similarity(one.name, other.name) > 0.85, true) as similar_first_name,
        coalesce(same_number.birth_date = same_number.other_birth_date, true) as same_birth_date
    from same_number
    left join name as one on one.number = same_number.first_name
    left join name as other on other.number = same_number.other_first_name
),
twin as (
    select distinct compared.party_id
    from compared
    join link_pool using (last_name, first_name, birth_date)
    where not compared.similar_first_name
)
select
    group_id, cluster_id,
    case
        when similar_first_name and (same_birth_date or same_last_name or same_zip) then null
        when same_birth_date and same_last_name and party_id not in (select party_id from twin) then null
        else 'mbi_of_another_person'
    end as doubt
from compared
