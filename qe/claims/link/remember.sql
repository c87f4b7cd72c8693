-- Grain: one row per source and native person id of this run that has no key, or lost it to be written anew: its person, and how the
-- link was made.
insert into vault.person_key
select
    party.source_id, party.native_person_id, cluster_person.person_id, coalesce(link.link_method, 'own') as link_method
from party
left join link using (group_id)
join cluster_person on cluster_person.cluster_id = coalesce(link.cluster_id, party.group_id)
anti join kept_key using (party_id)
