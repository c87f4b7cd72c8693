-- Grain: one row per native person id whose key stays as it was (working table): neither its person nor its link is another than before.
create or replace temp table kept_key as
select known_key.party_id
from known_key
join cluster_person using (cluster_id)
where known_key.earlier_person_id = cluster_person.person_id and known_key.earlier_link_method = known_key.link_method
