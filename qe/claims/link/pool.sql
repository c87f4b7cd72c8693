-- Grain: one row per party of earlier populations whose person has no link to this population yet (working table).
create or replace temp table link_pool as
select party_id, cluster_id, mbi, last_name, first_name, birth_date, sex, zip5
from party
where population < $population
    and cluster_id not in (select cluster_id from party where population = $population and cluster_id is not null)
