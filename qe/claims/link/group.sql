-- Grain: one party. Decides: ids of one person within a source are linked as one.
update party set group_id = same_person.group_id
from same_person
where same_person.party_id = party.party_id
