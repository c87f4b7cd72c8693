-- Grain: one row per source and native person id of this run.
insert into vault.person_key
select party.source_id, party.native_person_id, cluster_person.person_id, party.link_method
from party
join cluster_person using (cluster_id)
