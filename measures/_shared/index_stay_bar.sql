-- Grain: one row per stay considered and reason for which it cannot be followed as an index stay: all reasons.
-- Decides: young, died, transferred, open, against_advice, cancer_hospital, no_prior_year, no_follow_up, covid.
-- Covered is a month whose hospital claims our sources hold; a Medicare month in managed care or without Part A is not.
-- Source: measures_spec.md sections 5.1 and 5.3, corrections 4, 5 and 10.
with considered as (
    select
        population.event_id, population.person_id, population.admit_date, population.discharge_date, population.index_date,
        coalesce(stay.is_open, false) as is_open, stay.died, stay.discharge_status, stay.facility_type, person.birth_date, person.death_date
    from population
    join stay on stay.stay_id = population.event_id
    left join person on person.person_id = population.person_id
),
covered_month as (
    select person_id, month
    from person_month
    where hospital
),
covered_before as (
    select considered.event_id, considered.admit_date, considered.index_date, count(covered_month.month) as months
    from considered
    left join covered_month
        on covered_month.person_id = considered.person_id
        and covered_month.month between cast(month_of(considered.admit_date) - interval 12 month as date)
        and month_of(considered.index_date)
    group by all
),
follow_up as (                                                    -- to discharge + 30 days, or to death
    select
        event_id,
        person_id,
        discharge_date,
        greatest(discharge_date, least(discharge_date + 30, coalesce(death_date, discharge_date + 30))) as last_day
    from considered
    where discharge_date is not null
),
covered_after as (
    select follow_up.event_id, follow_up.discharge_date, follow_up.last_day, count(covered_month.month) as months
    from follow_up
    left join covered_month
        on covered_month.person_id = follow_up.person_id
        and covered_month.month between month_of(follow_up.discharge_date) and month_of(follow_up.last_day)
    group by all
)
select event_id, 'young' as reason
from considered
where coalesce(age_on(birth_date, admit_date) < $min_age, true)   -- an unknown birth date cannot show the age
union all
select event_id, 'died' as reason
from considered
where died
union all
select considered.event_id, 'transferred' as reason               -- not the last hospital of its chain
from considered
join transfer_chain on transfer_chain.stay_id = considered.event_id
where not transfer_chain.is_last
union all
select event_id, 'open' as reason
from considered
where is_open
union all
select event_id, 'against_advice' as reason
from considered
where discharge_status = '07'
union all
select event_id, 'cancer_hospital' as reason
from considered
where facility_type = 'cancer_exempt'
union all
select event_id, 'no_prior_year' as reason                        -- the 12 months before the month of admission, and the stay's own
from covered_before
where months < 13 + months_between(admit_date, index_date)
union all
select event_id, 'no_follow_up' as reason
from covered_after
where months < 1 + months_between(discharge_date, last_day)
union all
select distinct considered.event_id, 'covid' as reason            -- principal, or secondary and present on admission
from considered
join stay_diagnosis on stay_diagnosis.stay_id = considered.event_id
join value_set on value_set.name = 'covid' and value_set.code = stay_diagnosis.code
where stay_diagnosis.icd_version = 10
    and (
        stay_diagnosis.kind = 'principal'
        or (stay_diagnosis.kind = 'other' and stay_diagnosis.present_on_admission in ('Y', 'W'))
    )
    and (
        $covid_exclusion = 'on'
        or ($covid_exclusion = 'by_period' and considered.index_date < date '2023-07-01')
    )
