-- Grain: one row per event of a person who is not male. Decides: sex is 1 for female; sex:unknown is 1 where it is not recorded.
select
    population.event_id,
    case when person.sex = 2 then 'sex' else 'sex:unknown' end as factor,
    1 as value
from (select distinct event_id, person_id from population) as population
join person using (person_id)
where person.sex is distinct from 1
