-- Grain: one party. Decides: ids of one person within a source are linked as one.
update party set group_id = smaller_group.group_id
from smaller_group
where smaller_group.party_id = party.party_id
