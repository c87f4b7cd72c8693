-- Grain: one row per event. Decides: completed years of age on the index date.
select population.event_id, 'age' as factor, age_on(person.birth_date, population.index_date) as value
from (select distinct event_id, person_id, index_date from population) as population
join person using (person_id)
where person.birth_date is not null
