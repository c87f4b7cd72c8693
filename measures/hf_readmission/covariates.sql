-- Grain: one row per stay considered and factor; a factor that is not here is 0. Decides: age at admission and comorbidity flags (R25,
-- stay_comorbidity.sql). Sex and payer line are filled by the engine.
-- Source: method.md, section 5; AHRQ Elixhauser Comorbidity Software Refined v2026.1.
select event_id, 'comorbidity:' || comorbidity as factor, cast(1 as decimal(18, 6)) as value
from stay_comorbidity
union all
select population.event_id, 'age' as factor, cast(age_on(person.birth_date, population.admit_date) as decimal(18, 6)) as value
from population
join person using (person_id)
where person.birth_date is not null
