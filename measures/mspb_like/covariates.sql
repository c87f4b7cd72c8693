-- Grain: one row per stay considered and factor; a factor that is not here is 0. Decides: age at admission, diagnosis related group (R15),
-- comorbidity flags (R16, stay_comorbidity.sql) and, from the version of 2022, an acute stay in the 30 days before (R17). Sex is the
-- engine's. Source: method.md, section 5.
select event_id, 'comorbidity:' || comorbidity as factor, cast(1 as decimal(18, 6)) as value
from stay_comorbidity
union all
select event_id, 'drg_group:' || drg_group as factor, cast(1 as decimal(18, 6)) as value
from population
union all
select distinct population.event_id, 'prior_stay:within_30_days' as factor, cast(1 as decimal(18, 6)) as value
from population
join stay
    on stay.person_id = population.person_id and stay.is_acute and stay.stay_id <> population.event_id
    and stay.discharge_date between population.admit_date - 30 and population.admit_date
    and stay.admit_date <= population.admit_date
where $mspb_version = '2022'
union all
select population.event_id, 'age' as factor, cast(age_on(person.birth_date, population.admit_date) as decimal(18, 6)) as value
from population
join person using (person_id)
where person.birth_date is not null
