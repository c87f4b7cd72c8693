-- Grain: one row per member and person that may be one. Decides: an analyst said so.
create or replace temp table link_candidate as
with either_way as (
    select party_id, other_party_id from decision where decision = 'same'
    union all
    select other_party_id, party_id from decision where decision = 'same'
)
select link_member.group_id, link_pool.cluster_id, cast(null as varchar) as doubt
from either_way
join link_member on link_member.party_id = either_way.party_id
join link_pool on link_pool.party_id = either_way.other_party_id
