-- Grain: one row per person under 18 on the day of age_on. Decides: age (R5).
-- Source: method.md, section 3, of each measure that names this file.
select population.event_id, 'R5' as rule_id, cast([] as varchar[]) as claim_ids
from population
left join person using (person_id)
where coalesce(                                                   -- an unknown birth date cannot show that the person is 18
    age_on(person.birth_date, case $age_on when 'first_day' then $period_start else $period_end end) < 18,
    true
)
