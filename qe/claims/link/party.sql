-- Grain: one row per source and native person id: what is compared, computed once (working table). Names are numbers of spelling.sql.
-- party_id counts in sorted (source_id, native_person_id) order. population is the order in which sources are linked: Medicare first,
-- then by source_id. group_id is the person within the source: the smallest party_id of his or her ids.
create or replace temp table party as
with known as (
    select * from fact_stated_once
    union all by name
    select * from fact_of_several
    union all by name
    select distinct population.number as population, person_seen.native_person_id
    from person_seen
    join population using (source_id)
    anti join said on said.population = population.number and said.native_person_id = person_seen.native_person_id
),
numbered_spelling as (
    select spelling.spelling, name.number
    from spelling
    join name using (name)
),
compared as (
    select
        population.source_id, known.native_person_id, known.population, population.is_medicare,
        nullif(upper(trim(known.mbi)), '') as mbi, nullif(trim(known.ssn), '') as ssn, last_name.number as last_name,
        first_name.number as first_name, upper(left(strip_accents(trim(known.middle_name)), 1)) as initial,
        known.birth_date,
        case when known.sex in (1, 2) then known.sex end as sex, known.zip5, known.surrogate_key, known.crossreference_key
    from known
    join population on population.number = known.population
    left join numbered_spelling as last_name on last_name.spelling = known.last_name
    left join numbered_spelling as first_name on first_name.spelling = known.first_name
)
select
    numbered.party_id, numbered.party_id as group_id, numbered.source_id, numbered.native_person_id, numbered.population,
    numbered.is_medicare, numbered.mbi, numbered.ssn, numbered.last_name, numbered.first_name,
    case when numbered.initial between 'A' and 'Z' then numbered.initial end as middle_initial, numbered.birth_date,
    numbered.sex, numbered.zip5, numbered.surrogate_key, numbered.crossreference_key
from (select compared.*, row_number() over (order by source_id, native_person_id) as party_id from compared) as numbered
