-- Grain: one row per person and rule that leaves the person out: all reasons. Decides: R4 to R10. Source: method.md, section 3.
with prior_month as (
    select population.event_id, count(person_month.month) as months
    from population
    left join person_month
        on person_month.person_id = population.person_id
        and person_month.month between cast(month_of($period_start) - interval 12 month as date) and month_of($period_start) - 1
        and person_month.hospital
    group by population.event_id
),
visited as (                                                      -- R8: an evaluation and management visit of the period, to anybody
    select distinct person_id
    from evaluation_visit
    where service_date between $period_start and $period_end
),
oncologist as (                                                   -- R9: the responsible clinician, by the specialty of the visits
    select distinct attribution.person_id
    from attribution
    join evaluation_visit
        on evaluation_visit.person_id = attribution.person_id and evaluation_visit.clinician_id = attribution.unit_id
    where attribution.level = 'clinician' and evaluation_visit.specialty in ('82', '83', '90')
        and evaluation_visit.service_date between $period_start and $period_end
),
reason as (
    select population.event_id, 'R4' as rule_id
    from population
    left join person using (person_id)
    where coalesce(age_on(person.birth_date, $period_start) < $min_age, true)
    union all
    select event_id, 'R5' as rule_id
    from prior_month
    where months < 12
    union all
    select event_id, 'R6' as rule_id
    from population
    where uncovered_month is not null and ($coverage_rule = 'continuous' or uncovered_month <= $period_start)
    union all
    select event_id, 'R7' as rule_id
    from population
    where hospice_day <= $period_start
    union all
    select event_id, 'R8' as rule_id
    from population
    where person_id not in (select person_id from visited)
    union all
    select event_id, 'R9' as rule_id
    from population
    where person_id in (select person_id from oncologist)
    union all
    select event_id, 'R10' as rule_id
    from population
    where at_risk_days <= 0
)
select event_id, rule_id, cast([] as varchar[]) as claim_ids
from reason
