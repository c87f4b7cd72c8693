-- Grain: one row per stay considered and factor; a factor that is not here is 0. Decides: age at admission, comorbidity flags (R25,
-- stay_comorbidity.sql) and the body group of the principal diagnosis (R26). Sex, payer line and cohort are filled by the engine.
-- Source: method.md, section 5; AHRQ Elixhauser Comorbidity Software Refined v2026.1.
select event_id, 'comorbidity:' || comorbidity as factor, cast(1 as decimal(18, 6)) as value
from stay_comorbidity
union all
select population.event_id, 'diagnosis_group:' || coalesce(body_group.category, 'unassigned') as factor, cast(1 as decimal(18, 6)) as value
from population
left join code_map as body_group on body_group.name = 'ccs_body_group' and body_group.code = population.ccs   -- R26
union all
select population.event_id, 'age' as factor, cast(age_on(person.birth_date, population.admit_date) as decimal(18, 6)) as value
from population
join person using (person_id)
where person.birth_date is not null
