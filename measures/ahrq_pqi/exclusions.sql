-- Grain: one row per indicator, person left out and reason. Decides: who has no month of the indicator's age (R4), and whose sex or
-- birth date is unknown (R5). Source: method.md, section 2.
select event_id, measure_id, 'R4' as rule_id, cast([] as varchar[]) as claim_ids
from population
where member_months = 0
union all
select population.event_id, population.measure_id, 'R5' as rule_id, cast([] as varchar[]) as claim_ids
from population
left join person using (person_id)
where population.sex is null or person.birth_date is null
