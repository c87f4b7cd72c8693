-- Grain: one row per source and native person id, stored in sorted (source_id, native_person_id) order: what is compared, computed once
-- (working table, read through the view party). Names are numbers of name.sql. Sources are sorted by their place among the source_ids: a
-- number before the id costs half of what the sort by both texts did.
create or replace temp table party_row as
with known as (
    select * from fact_stated_once
    union all by name
    select * from fact_of_several
    union all by name
    select population, native_person_id
    from not_stated_once
    where statements = 0
),
numbered_spelling as (
    select spelling.spelling, name.number
    from spelling
    join name using (name)
),
sorted_source as (
    select number, cast(row_number() over (order by source_id) as usmallint) as place
    from population
),
compared as (
    select
        sorted_source.place, known.native_person_id, known.population,
        nullif(upper(trim(known.mbi)), '') as mbi, nullif(trim(known.ssn), '') as ssn, last_name.number as last_name,
        first_name.number as first_name, upper(left(strip_accents(trim(known.middle_name)), 1)) as initial,
        known.birth_date,
        case when known.sex in (1, 2) then known.sex end as sex, known.zip5, known.surrogate_key, known.crossreference_key
    from known
    join sorted_source on sorted_source.number = known.population
    left join numbered_spelling as last_name on last_name.spelling = known.last_name
    left join numbered_spelling as first_name on first_name.spelling = known.first_name
)
select
    compared.population, compared.native_person_id, compared.mbi, compared.ssn, compared.last_name, compared.first_name,
    case when compared.initial between 'A' and 'Z' then compared.initial end as middle_initial, compared.birth_date, compared.sex,
    compared.zip5, compared.surrogate_key, compared.crossreference_key
from compared
order by compared.place, compared.native_person_id
