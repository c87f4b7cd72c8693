-- Grain: one row per source and native person id that the files of this run mention and of whom they say nothing, or more than one thing
-- (working table): the few for whom the facts are to be chosen.
create or replace temp table not_stated_once as
with mentioned as (
    select population, native_person_id, 1 as statement
    from said
    union all
    select population.number, person_seen.native_person_id, 0
    from person_seen
    join population using (source_id)
)
select population, native_person_id, sum(statement) as statements
from mentioned
group by population, native_person_id
having sum(statement) <> 1
