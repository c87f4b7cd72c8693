-- Grain: one row per person and rule that keeps the person out of the denominator.
-- Decides: hospice in the year (R9), end-stage renal disease in the year (R10; list esrd).
-- Source: method.md, section 3, of each measure that names this file.
with hospice_claim as (
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
select event_id, rule_id, claim_ids from in_hospice
union all select event_id, rule_id, claim_ids from with_esrd
