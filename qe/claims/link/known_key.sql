-- Grain: one row per native person id of this run that has a key of an earlier run (working table): the person (cluster) and the link that
-- it has now, and the person_id and link method that it had.
create or replace temp table known_key as
select
    party.party_id, party.source_id, party.native_person_id, coalesce(link.cluster_id, party.group_id) as cluster_id,
    coalesce(link.link_method, 'own') as link_method, person_key.person_id as earlier_person_id,
    person_key.link_method as earlier_link_method
from vault.person_key as person_key
join party using (source_id, native_person_id)
left join link using (group_id)
