-- Grain: one row per member and person that may be one. Decides: an analyst said so.
create or replace temp table link_candidate as
select distinct link_member.group_id, link_pool.cluster_id
from vault.link_decision as decision
join party as one on one.source_id = decision.source_id and one.native_person_id = decision.native_person_id
join party as other
    on other.source_id = decision.other_source_id and other.native_person_id = decision.other_native_person_id
join link_member on link_member.party_id = case when one.population > other.population then one.party_id else other.party_id end
join link_pool on link_pool.party_id = case when one.population > other.population then other.party_id else one.party_id end
where decision.decision = 'same' and one.population <> other.population
