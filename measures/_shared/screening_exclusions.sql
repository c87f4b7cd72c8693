-- Grain: one row per person and rule that keeps the person out of the denominator: all reasons, not the first.
-- Decides: a visit (R3), enrolment (R4), hospice (R5), palliative care (R6), the organ lost or ill (R7), frailty with advanced illness
-- (R8), life in a nursing home (R9). Source: method.md, section 3.
with visited as (                                                 -- R3
    select distinct service_line.person_id
    from service_line
    join value_set
        on value_set.name in ('screening_visit_public', 'screening_visit') and value_set.code = service_line.hcpcs
    where service_line.claim_type in ('professional', 'outpatient')
        and service_line.service_date between $period_start and $period_end
),
without_visit as (
    select event_id, 'R3' as rule_id, cast([] as varchar[]) as claim_ids
    from population
    where person_id not in (select person_id from visited)
),
asked_month as (                                                  -- R4: the months of enrolment asked for, each in its year
    select
        cast(month as date) as month,
        case
            when month >= month_of($period_start) then 'period'
            when month >= month_of(cast($period_start - interval 12 month as date)) then 'year before'
            else 'earlier'
        end as year
    from generate_series(
        month_of(cast($period_start - to_months($months_before) as date)), month_of($period_end), interval 1 month
    ) as asked(month)
),
seen_month as (
    select distinct person_id, month
    from person_month
    where medical and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
),
missing_months as (
    select
        population.event_id,
        count(*) filter (where asked_month.year = 'period') as in_period,
        count(*) filter (where asked_month.year = 'year before') as in_year_before,
        count(*) filter (where asked_month.year = 'earlier') as earlier,
        bool_or(asked_month.month = month_of($period_end)) as is_last
    from population
    cross join asked_month
    left join seen_month on seen_month.person_id = population.person_id and seen_month.month = asked_month.month
    where seen_month.month is null
    group by population.event_id
),
with_gaps as (
    select event_id, 'R4' as rule_id, cast([] as varchar[]) as claim_ids
    from missing_months
    where in_period > $gap_months or in_year_before > $gap_months or earlier > 0 or is_last
),
hospice_sign as (                                                 -- R5: months, claims, and services given in hospice
    select population.event_id, hospice_span.claim_id, hospice_span.first_day as day
    from population
    join hospice_span
        on hospice_span.person_id = population.person_id
        and hospice_span.first_day <= $period_end
        and hospice_span.last_day >= $period_start
    union
    select population.event_id, service_line.claim_id, service_line.service_date as day
    from population
    join service_line on service_line.person_id = population.person_id
    join value_set on value_set.name = 'hospice_service' and value_set.code = service_line.hcpcs
    where service_line.service_date between $period_start and $period_end
),
palliative_sign as (                                              -- R6
    select population.event_id, diagnosis_event.claim_id, diagnosis_event.event_date as day
    from population
    join diagnosis_event on diagnosis_event.person_id = population.person_id and diagnosis_event.icd_version = 10
    join value_set on value_set.name = 'palliative_dx' and value_set.code = diagnosis_event.code
    where diagnosis_event.event_date between $period_start and $period_end
    union
    select population.event_id, service_line.claim_id, service_line.service_date as day
    from population
    join service_line on service_line.person_id = population.person_id
    join value_set on value_set.name = 'palliative_service' and value_set.code = service_line.hcpcs
    where service_line.service_date between $period_start and $period_end
),
organ_sign as (                                                   -- R7: at any time up to the end of the period
    select population.event_id, diagnosis_event.claim_id, diagnosis_event.event_date as day, code_map.category as side
    from population
    join diagnosis_event on diagnosis_event.person_id = population.person_id and diagnosis_event.icd_version = 10
    join code_map on code_map.name = 'organ_dx' and code_map.code = diagnosis_event.code
    where diagnosis_event.event_date <= $period_end
    union
    select population.event_id, claim.claim_id, claim_procedure.procedure_date as day, code_map.category as side
    from population
    join claim on claim.person_id = population.person_id
    join claim_procedure on claim_procedure.claim_id = claim.claim_id and claim_procedure.icd_version = 10
    join code_map on code_map.name = 'organ_px' and code_map.code = claim_procedure.code
    where claim_procedure.procedure_date <= $period_end
        and claim.service_occurred and claim.superseded_by is null and claim.duplicate_of is null
),
organ_lost as (                                                   -- both sides, be it by one sign or by two
    select event_id
    from organ_sign
    group by event_id
    having bool_or(side = 'whole') or (bool_or(side = 'left') and bool_or(side = 'right'))
),
old_person as (                                                   -- R8, R9: 66 and over on the last day
    select event_id, person_id
    from population
    where age >= 66
),
frailty_sign as (
    select old_person.event_id, diagnosis_event.claim_id, diagnosis_event.event_date as day
    from old_person
    join diagnosis_event on diagnosis_event.person_id = old_person.person_id and diagnosis_event.icd_version = 10
    join value_set on value_set.name = 'frailty_dx' and value_set.code = diagnosis_event.code
    where diagnosis_event.event_date between $period_start and $period_end
    union
    select old_person.event_id, service_line.claim_id, service_line.service_date as day
    from old_person
    join service_line on service_line.person_id = old_person.person_id
    join value_set on value_set.name in ('frailty_service', 'frailty_further') and value_set.code = service_line.hcpcs
    where service_line.service_date between $period_start and $period_end
),
illness_sign as (                                                 -- advanced illness in the period or the year before
    select old_person.event_id, diagnosis_event.claim_id, diagnosis_event.event_date as day, diagnosis_event.is_inpatient as is_enough
    from old_person
    join diagnosis_event on diagnosis_event.person_id = old_person.person_id and diagnosis_event.icd_version = 10
    join value_set on value_set.name = 'advanced_illness_dx' and value_set.code = diagnosis_event.code
    where diagnosis_event.event_date between cast($period_start - interval 12 month as date) and $period_end
    union
    select old_person.event_id, fill.fill_id as claim_id, fill.fill_date as day, true as is_enough
    from old_person
    join fill on fill.person_id = old_person.person_id
    cross join unnest(fill.ingredients) as dispensed(ingredient)
    join value_set
        on value_set.name = 'dementia_drug'
        and list_contains(string_split_regex(upper(dispensed.ingredient), '[^A-Z0-9]+'), value_set.code)
    where fill.fill_date between cast($period_start - interval 12 month as date) and $period_end
),
frail as (
    select event_id
    from frailty_sign
    group by event_id
    having count(distinct day) >= 2
),
gravely_ill as (
    select event_id
    from illness_sign
    group by event_id
    having bool_or(is_enough) or count(distinct day) >= 2
),
frail_and_ill_sign as (
    select event_id, claim_id, day
    from (
        select event_id, claim_id, day from frailty_sign
        union
        select event_id, claim_id, day from illness_sign
    )
    where event_id in (select event_id from frail) and event_id in (select event_id from gravely_ill)
),
nursing_home_day as (                                             -- R9: professional services in a nursing facility
    select distinct old_person.event_id, service_line.claim_id, service_line.service_date as day
    from old_person
    join service_line on service_line.person_id = old_person.person_id
    where service_line.claim_type = 'professional' and service_line.place_of_service = '32'
        and service_line.service_date between $period_start and $period_end
),
in_nursing_home as (
    select event_id
    from nursing_home_day
    group by event_id
    having max(day) - min(day) > 90
),
sign as (
    select event_id, 'R5' as rule_id, claim_id, day from hospice_sign
    union
    select event_id, 'R6' as rule_id, claim_id, day from palliative_sign
    union
    select event_id, 'R7' as rule_id, claim_id, day from organ_sign where event_id in (select event_id from organ_lost)
    union
    select event_id, 'R8' as rule_id, claim_id, day from frail_and_ill_sign
    union
    select event_id, 'R9' as rule_id, claim_id, day
    from nursing_home_day
    where event_id in (select event_id from in_nursing_home)
)
select event_id, rule_id, claim_ids from without_visit
union all select event_id, rule_id, claim_ids from with_gaps
union all
select
    event_id,
    rule_id,
    coalesce(list(claim_id order by day, claim_id) filter (where claim_id is not null), cast([] as varchar[])) as claim_ids
from sign
group by event_id, rule_id
