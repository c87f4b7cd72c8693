-- Grain: one row per party of earlier populations, with the person it belongs to; who is linked to this population leaves it (working table).
create or replace temp table link_pool as
select
    party.party_id, coalesce(link.cluster_id, party.group_id) as cluster_id, party.mbi, party.last_name, party.first_name,
    party.middle_initial, party.birth_date, party.sex, party.zip5
from party
left join link using (group_id)
where party.population < $population
