-- Grain: one row per person of the data.
select person.person_id, person.birth_date, person.death_date, person.sex, person.county_fips
from person
semi join released_row using (person_id)
order by person.person_id
