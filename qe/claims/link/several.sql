-- Grain: one row per source and native person id of whom the files of this run say more than one thing (working table).
create or replace temp table several as
select population, native_person_id
from said
group by population, native_person_id
having count(*) > 1
