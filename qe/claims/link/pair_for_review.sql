-- Grain: one row per member and person that an analyst should look at, with one reason (working table). Decides: what is
-- linked, or called different by an analyst, is no longer in doubt, nor is a pair of which one is linked elsewhere, unless the doubt is
-- whose MBI it is.
create or replace temp table pair_for_review as
with either_way as (
    select party_id, other_party_id from decision where decision = 'different'
    union all
    select other_party_id, party_id from decision where decision = 'different'
),
decided as (
    select distinct member.group_id, coalesce(link.cluster_id, person.group_id) as cluster_id
    from either_way
    join party as member on member.party_id = either_way.party_id
    join party as person on person.party_id = either_way.other_party_id
    left join link on link.group_id = person.group_id
),
doubt as (
    select link_review.group_id, link_review.cluster_id, link_review.reason
    from link_review
    left join link on link.group_id = link_review.group_id
    left join link as taken on taken.cluster_id = link_review.cluster_id and taken.population = link_review.population
    anti join decided on decided.group_id = link_review.group_id and decided.cluster_id = link_review.cluster_id
    where link_review.cluster_id is distinct from link.cluster_id
        and (link_review.reason = 'mbi_of_another_person' or (link.group_id is null and taken.cluster_id is null))
)
select group_id, cluster_id, min(reason) as reason
from doubt
group by group_id, cluster_id
