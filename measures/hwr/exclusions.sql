-- Grain: one row per stay and rule that keeps it from being an index stay: all reasons, not the first.
-- Decides: R5 to R17. Source: method.md, section 3.
with under_age as (                                               -- an unknown birth date cannot show the age
    select population.event_id, 'R5' as rule_id
    from population
    left join person using (person_id)
    where coalesce(age_on(person.birth_date, population.admit_date) < $min_age, true)
),
died_in_hospital as (
    select population.event_id, 'R6' as rule_id
    from population
    join stay on stay.stay_id = population.event_id
    where stay.died
),
transferred as (                                                  -- not the last hospital of its chain
    select population.event_id, 'R7' as rule_id
    from population
    join transfer_chain on transfer_chain.stay_id = population.event_id
    where not transfer_chain.is_last
),
still_open as (
    select event_id, 'R8' as rule_id
    from population
    where is_open
),
against_advice as (
    select population.event_id, 'R9' as rule_id
    from population
    join stay on stay.stay_id = population.event_id
    where stay.discharge_status = '07'
),
cancer_hospital as (
    select population.event_id, 'R10' as rule_id
    from population
    join stay on stay.stay_id = population.event_id
    where stay.facility_type = 'cancer_exempt'
),
covered_month as (                                                -- months whose hospital claims our sources hold
    select person_id, month
    from person_month
    where medical
        and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
),
covered_before as (
    select population.event_id, count(covered_month.month) as months
    from population
    left join covered_month
        on covered_month.person_id = population.person_id
        and covered_month.month between cast(month_of(population.admit_date) - interval 12 month as date)
        and month_of(population.index_date)
    group by population.event_id
),
no_prior_year as (                                                -- the 12 months before the month of admission, and the stay's own
    select population.event_id, 'R11' as rule_id
    from population
    join covered_before using (event_id)
    where covered_before.months < 13 + months_between(population.admit_date, population.index_date)
),
follow_up as (                                                    -- to discharge + 30 days, or to death
    select
        population.event_id,
        population.person_id,
        population.discharge_date,
        greatest(
            population.discharge_date,
            least(population.discharge_date + 30, coalesce(person.death_date, population.discharge_date + 30))
        ) as last_day
    from population
    left join person using (person_id)
    where population.discharge_date is not null
),
covered_after as (
    select follow_up.event_id, count(covered_month.month) as months
    from follow_up
    left join covered_month
        on covered_month.person_id = follow_up.person_id
        and covered_month.month between month_of(follow_up.discharge_date) and month_of(follow_up.last_day)
    group by follow_up.event_id
),
no_follow_up as (
    select follow_up.event_id, 'R12' as rule_id
    from follow_up
    join covered_after using (event_id)
    where covered_after.months < 1 + months_between(follow_up.discharge_date, follow_up.last_day)
),
excluded_category as (                                            -- R13 psychiatric, R14 rehabilitation, R15 cancer, R16 obstetric and newborn
    select population.event_id, population.cohort, code_map.category
    from population
    join code_map on code_map.name = 'excluded_ccs_dx' and code_map.code = population.ccs
),
excluded_diagnosis as (
    select
        event_id,
        case category when 'psychiatric' then 'R13' when 'rehabilitation' then 'R14' when 'cancer' then 'R15' else 'R16' end as rule_id
    from excluded_category
    where category <> 'cancer' or $cancer_rule = 'all' or cohort <> 'surgery_gynecology'
),
covid as (                                                        -- principal, or secondary and present on admission
    select distinct population.event_id, 'R17' as rule_id
    from population
    join stay_diagnosis on stay_diagnosis.stay_id = population.event_id
    join value_set on value_set.name = 'covid' and value_set.code = stay_diagnosis.code
    where stay_diagnosis.icd_version = 10
        and (
            stay_diagnosis.kind = 'principal'
            or (stay_diagnosis.kind = 'other' and stay_diagnosis.present_on_admission in ('Y', 'W'))
        )
        and (
            $covid_exclusion = 'on'
            or ($covid_exclusion = 'by_period' and population.index_date < date '2023-07-01')
        )
),
reason as (
    select event_id, rule_id from under_age
    union all select event_id, rule_id from died_in_hospital
    union all select event_id, rule_id from transferred
    union all select event_id, rule_id from still_open
    union all select event_id, rule_id from against_advice
    union all select event_id, rule_id from cancer_hospital
    union all select event_id, rule_id from no_prior_year
    union all select event_id, rule_id from no_follow_up
    union all select event_id, rule_id from excluded_diagnosis
    union all select event_id, rule_id from covid
)
select reason.event_id, reason.rule_id, population.claim_ids
from reason
join population using (event_id)
