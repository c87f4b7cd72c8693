-- Grain: one row per emergency department visit, with its person's dates. It may hold claims of several payers: no one source.
select ed_visit.*, '' as source_id, person.birth_date, person.death_date, last_day.last_day
from ed_visit
cross join (select max(end_date) as last_day from source_period) as last_day
left join person using (person_id)
