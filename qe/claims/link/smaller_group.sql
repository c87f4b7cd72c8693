-- Grain: one row per party whose person is known by a smaller number through another of his or her ids (working table). Run until empty.
create or replace temp table smaller_group as
with neighbour as (
    select party_id, other_party_id from same_person
    union all
    select other_party_id, party_id from same_person
)
select neighbour.party_id, min(coalesce(other.group_id, neighbour.other_party_id)) as group_id
from neighbour
left join shared_group as one on one.party_id = neighbour.party_id
left join shared_group as other on other.party_id = neighbour.other_party_id
group by neighbour.party_id
having min(coalesce(other.group_id, neighbour.other_party_id)) < min(coalesce(one.group_id, neighbour.party_id))
