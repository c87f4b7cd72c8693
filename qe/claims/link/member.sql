-- Grain: one row per party of the population being linked; who is linked leaves it (working table).
create or replace temp table link_member as
select party_id, group_id, mbi, last_name, first_name, middle_initial, birth_date, sex, zip5
from party
where population = $population
