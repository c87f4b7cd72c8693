-- Grain: one row per person and rule that keeps the person out of the denominator; the other reasons stand in the shared files.
-- Decides: age (R5), myopathy (R11), pregnancy and fertility (R12), cirrhosis (R13), prediabetes (R14), polycystic ovaries (R15).
-- Source: method.md, section 3.
with other_age as (                                               -- R5: an unknown birth date cannot show the age
    select population.event_id, 'R5' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    left join person using (person_id)
    where not coalesce(age_on(person.birth_date, $period_start) between 40 and 75, false)
),
condition_rule as (                                               -- which list is which reason
    select name, code,
        case name
            when 'myopathy' then 'R11'
            when 'pregnancy' then 'R12'
            when 'cirrhosis' then 'R13'
            when 'prediabetes' then 'R14'
            when 'polycystic_ovary' then 'R15'
        end as rule_id
    from value_set
    where name in ('myopathy', 'pregnancy', 'cirrhosis', 'prediabetes', 'polycystic_ovary')
),
fertility_product as (                                            -- R12: a drug for fertility shows it as a diagnosis does
    select distinct ingredients from listed_product where list_name = 'fertility_drug'
),
evidence as (
    select distinct
        diagnosis_event.person_id, condition_rule.rule_id, diagnosis_event.event_date as shown_on, diagnosis_event.claim_id
    from diagnosis_event
    join condition_rule on condition_rule.code = diagnosis_event.code
    where diagnosis_event.icd_version = 10 and diagnosis_event.event_date between $period_start and $period_end
    union
    select fill.person_id, 'R12' as rule_id, fill.fill_date as shown_on, fill.fill_id as claim_id
    from fill
    join fertility_product using (ingredients)
    where fill.fill_date between $period_start and $period_end
)
select event_id, rule_id, claim_ids from other_age
union all
select population.event_id, evidence.rule_id, list(evidence.claim_id order by evidence.shown_on, evidence.claim_id) as claim_ids
from population
join evidence using (person_id)
group by population.event_id, evidence.rule_id
