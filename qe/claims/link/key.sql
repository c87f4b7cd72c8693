-- Grain: one row per source and native person id of this run (working view): its person, and how the link was made.
create or replace temp view key_now as
select
    party.source_id, party.native_person_id, cluster_person.person_id, coalesce(link.link_method, 'own') as link_method
from party
left join link using (group_id)
join cluster_person on cluster_person.cluster_id = coalesce(link.cluster_id, party.group_id)
