-- Grain: one row per member of the population being linked and person who are different, as an analyst said (working table).
create or replace temp table parted as
with either_way as (
    select party_id, other_party_id from decision where decision = 'different'
    union all
    select other_party_id, party_id from decision where decision = 'different'
)
select distinct link_member.group_id, link_pool.cluster_id
from either_way
join link_member on link_member.party_id = either_way.party_id
join link_pool on link_pool.party_id = either_way.other_party_id
