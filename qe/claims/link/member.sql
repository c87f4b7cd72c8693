-- Grain: one row per party of the population being linked that has no link yet (working table).
create or replace temp table link_member as
select party_id, group_id, mbi, last_name, first_name, birth_date, sex, zip5
from party
where population = $population and cluster_id is null
