-- Grain: one row per person and rule that keeps the person out of the denominator: all reasons, not the first.
-- Decides: fills on two dates (R4), age (R5), length of the period (R6), enrolment (R7, R8), hospice (R9), kidney disease (R10).
-- Source: method.md, section 3.
with too_few_fills as (
    select event_id, 'R4' as rule_id, claim_ids
    from population
    where fill_dates < 2
),
under_age as (                                                    -- an unknown birth date cannot show that the person is 18
    select population.event_id, 'R5' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    left join person using (person_id)
    where coalesce(
        age_on(person.birth_date, case $age_on when 'first_day' then $period_start else $period_end end) < 18,
        true
    )
),
short_period as (
    select event_id, 'R6' as rule_id, claim_ids
    from population
    where treatment_days < $min_period_days
),
not_enrolled as (                                                 -- pharmacy benefits observable in the month of the first fill
    select population.event_id, 'R7' as rule_id, population.claim_ids
    from population
    left join person_month
        on person_month.person_id = population.person_id
        and person_month.month = month_of(population.index_date)
    where not coalesce(person_month.pharmacy, false)
),
gap_too_long as (
    select event_id, 'R8' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    where gaps > 1 or longest_gap_days > $gap_rule
),
hospice_claim as (
    select person_id, list(claim_id order by from_date, claim_id) as claim_ids
    from claim
    where claim_type = 'hospice'
        and from_date <= $period_end
        and thru_date >= $period_start
        and coalesce(paid_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
        and superseded_by is null
        and duplicate_of is null
    group by person_id
),
hospice_month as (
    select distinct person_id
    from person_month
    where hospice and month between $period_start and $period_end
),
in_hospice as (
    select population.event_id, 'R9' as rule_id, coalesce(hospice_claim.claim_ids, cast([] as varchar[])) as claim_ids
    from population
    left join hospice_claim using (person_id)
    left join hospice_month using (person_id)
    where hospice_claim.person_id is not null or hospice_month.person_id is not null
),
esrd_claim as (
    select person_id, list(claim_id order by event_date, claim_id) as claim_ids
    from (
        select distinct diagnosis_event.person_id, diagnosis_event.claim_id, diagnosis_event.event_date
        from diagnosis_event
        join value_set on value_set.name = 'esrd' and value_set.code = diagnosis_event.code
        where diagnosis_event.event_date between $period_start and $period_end
            and diagnosis_event.icd_version = 10
    )
    group by person_id
),
esrd_month as (
    select distinct person_id
    from person_month
    where esrd and month between $period_start and $period_end
),
with_esrd as (
    select population.event_id, 'R10' as rule_id, coalesce(esrd_claim.claim_ids, cast([] as varchar[])) as claim_ids
    from population
    left join esrd_claim using (person_id)
    left join esrd_month using (person_id)
    where esrd_claim.person_id is not null or esrd_month.person_id is not null
)
select event_id, rule_id, claim_ids from too_few_fills
union all select event_id, rule_id, claim_ids from under_age
union all select event_id, rule_id, claim_ids from short_period
union all select event_id, rule_id, claim_ids from not_enrolled
union all select event_id, rule_id, claim_ids from gap_too_long
union all select event_id, rule_id, claim_ids from in_hospice
union all select event_id, rule_id, claim_ids from with_esrd
