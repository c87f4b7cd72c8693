-- Grain: one row per source, fact and value that stands for nobody (working table); persons counts the ids that have it. Decides: a number
-- that more ids of one source share than one person can have, and a whole name or a birth date that is more common than any real one,
-- were typed in because the fact was not known.
create or replace temp table placeholder as
with source as (
    select population, count(*) as persons
    from stated
    group by population
),
birth_day as (
    select population, birth_date, count(*) as persons
    from stated
    where birth_date is not null
    group by population, birth_date
),
common_day as (
    select population, median(persons) as persons
    from birth_day
    group by population
),
common_last_name as (                                             -- few: whole names are counted among these alone
    select stated.population, stated.last_name
    from stated
    join source using (population)
    group by stated.population, stated.last_name
    having count(*) > greatest($least_persons, $name_share * any_value(source.persons))
)
select population, fact, value, persons
from shared_number
where persons > $most_ids
union all
select birth_day.population, 'birth_date', cast(birth_day.birth_date as varchar), birth_day.persons
from birth_day
join common_day using (population)
join source using (population)
where birth_day.persons > greatest($least_persons, least($times_common * common_day.persons, $date_share * source.persons))
union all
select stated.population, 'name', concat_ws(' ', stated.last_name, stated.first_name), count(*)
from stated
semi join common_last_name using (population, last_name)
join source using (population)
where stated.first_name is not null
group by stated.population, stated.last_name, stated.first_name
having count(*) > greatest($least_persons, $name_share * any_value(source.persons))
