-- Grain: one row per person with two or more of nine chronic conditions who is alive on the first day of the period.
-- Decides: conditions (R1, R2), who is considered (R3) and the time at risk (R11 to R14). Conditions are found on the diagnoses of claims
-- before the period. claim_ids: of each condition, the claims that show it. Source: method.md, sections 2 and 4; CCW algorithms.
with rule(ccw, condition, months, kind) as (                      -- R2: look-back in months, and what shows the condition
    values
        ('mi', 'myocardial_infarction', 12, 'inpatient'),
        ('alzheimer_related', 'dementia', 36, 'any'),
        ('atrial_fib', 'atrial_fibrillation', 24, 'institution_or_two'),
        ('chr_kidney_dis', 'kidney_disease', 24, 'institution_or_two'),
        ('copd', 'lung_disease', 24, 'institution_or_two'),
        ('asthma', 'lung_disease', 24, 'institution_or_two'),
        ('depression', 'depression', 24, 'institution_or_two'),
        ('diabetes', 'diabetes', 24, 'institution_or_two'),
        ('heart_failure', 'heart_failure', 24, 'institution_or_two'),
        ('stroke', 'stroke', 12, 'any_but_nursing')
),
coded_claim as (                                                  -- R1: any position but the admitting diagnosis and external causes
    select distinct
        diagnosis_event.person_id, diagnosis_event.claim_id, diagnosis_event.event_date, diagnosis_event.claim_type, code_map.category as ccw
    from diagnosis_event
    join code_map on code_map.name = 'ccw_condition' and code_map.code = diagnosis_event.code
    where diagnosis_event.icd_version = 10
        and diagnosis_event.kind in ('principal', 'other')
        and diagnosis_event.claim_type in ('inpatient', 'snf', 'hha', 'outpatient', 'professional')
        and diagnosis_event.event_date < $period_start
),
injured as (                                                      -- R1: a stroke code beside a head injury is none
    select claim_id from coded_claim where ccw = 'stroke_exclude1'
),
shown as (
    select
        coded_claim.person_id, coded_claim.claim_id, coded_claim.event_date, rule.ccw, rule.condition, rule.kind,
        coded_claim.claim_type in ('inpatient', 'snf', 'hha') as is_institution
    from coded_claim
    join rule using (ccw)
    where coded_claim.event_date >= cast($period_start - to_months(rule.months) as date)
        and case rule.kind
            when 'inpatient' then coded_claim.claim_type = 'inpatient'
            when 'any_but_nursing' then coded_claim.claim_type in ('inpatient', 'outpatient', 'professional')
            else true
        end
        and (rule.ccw <> 'stroke' or coded_claim.claim_id not in (select claim_id from injured))
),
person_condition as (                                             -- R2: one row per person and CCW condition that is shown
    select
        person_id, ccw, condition,
        case
            when kind <> 'institution_or_two' or bool_or(is_institution) then [
                coalesce(
                    arg_min(claim_id, (event_date, claim_id)) filter (where is_institution), arg_min(claim_id, (event_date, claim_id))
                )
            ]
            else [arg_min(claim_id, (event_date, claim_id)), arg_max(claim_id, (event_date, claim_id))]
        end as claim_ids
    from shown
    group by person_id, ccw, condition, kind
    having kind <> 'institution_or_two' or bool_or(is_institution) or count(distinct event_date) >= 2
),
condition_claim as (
    select distinct person_condition.person_id, decisive.claim_id, coded_claim.event_date
    from person_condition
    cross join unnest(person_condition.claim_ids) as decisive(claim_id)
    join coded_claim on coded_claim.claim_id = decisive.claim_id and coded_claim.ccw = person_condition.ccw
),
condition_claims as (
    select person_id, list(claim_id order by event_date, claim_id) as claim_ids
    from condition_claim
    group by person_id
),
considered as (                                                   -- R3
    select
        known.person_id,
        person.death_date,
        cast(count(*) as integer) as conditions,
        list(known.condition order by known.condition, known.person_id) as condition_names
    from (select distinct person_id, condition from person_condition) as known
    join person using (person_id)
    where coalesce(person.death_date >= $period_start, true)
    group by known.person_id, person.death_date
    having count(*) >= 2
),
hospice_claim as (
    select person_id, greatest(from_date, $period_start) as day, month_of(from_date) as first_month, month_of(coalesce(thru_date, from_date)) as last_month
    from claim
    where claim_type = 'hospice' and service_occurred and superseded_by is null and duplicate_of is null
        and from_date <= $period_end and coalesce(thru_date, from_date) >= $period_start
),
hospice_day as (                                                  -- R7, R11: a month without a hospice claim counts from its first day
    select person_id, min(day) as day
    from (
        select person_id, day from hospice_claim
        union all
        select person_month.person_id, person_month.month as day
        from person_month
        where person_month.hospice and person_month.month between month_of($period_start) and $period_end
            and not exists (
                select 1
                from hospice_claim
                where hospice_claim.person_id = person_month.person_id
                    and person_month.month between hospice_claim.first_month and hospice_claim.last_month
            )
    ) as known
    group by person_id
),
period_month as (
    select cast(unnest(generate_series(cast(month_of($period_start) as timestamp), cast($period_end as timestamp), interval 1 month)) as date) as month
),
uncovered as (                                                    -- R6: months of the period whose claims no source of ours holds
    select considered.person_id, min(period_month.month) as first_month
    from considered
    cross join period_month
    left join person_month
        on person_month.person_id = considered.person_id and person_month.month = period_month.month
        and person_month.hospital
    where person_month.month is null and coalesce(period_month.month <= considered.death_date, true)
    group by considered.person_id
),
observed as (                                                     -- R11: from the first day to the end of the period, death, hospice or coverage
    select
        considered.person_id, considered.conditions, considered.condition_names, hospice_day.day as hospice_day,
        uncovered.first_month as uncovered_month,
        least(
            $period_end,
            coalesce(considered.death_date, $period_end),
            coalesce(hospice_day.day - 1, $period_end),
            case when $coverage_rule = 'censor' then coalesce(uncovered.first_month - 1, $period_end) else $period_end end
        ) as last_day
    from considered
    left join hospice_day using (person_id)
    left join uncovered using (person_id)
),
away as (                                                         -- R12, R13: the days of a stay and the 10 days after it
    select distinct
        observed.person_id,
        cast(unnest(generate_series(
            cast(greatest(institutional_stay.first_day, $period_start) as timestamp),
            cast(least(institutional_stay.last_day + 10, observed.last_day) as timestamp),
            interval 1 day
        )) as date) as day
    from observed
    join institutional_stay
        on institutional_stay.person_id = observed.person_id
        and institutional_stay.first_day <= observed.last_day
        and institutional_stay.last_day + 10 >= $period_start
),
days_away as (
    select person_id, count(*) as days
    from away
    group by person_id
),
at_risk as (
    select
        observed.person_id, observed.conditions, observed.condition_names, observed.hospice_day, observed.uncovered_month, observed.last_day,
        cast(greatest(observed.last_day - $period_start + 1, 0) as integer) as observed_days,
        cast(coalesce(days_away.days, 0) as integer) as days_away
    from observed
    left join days_away using (person_id)
)
select
    at_risk.person_id as event_id,
    at_risk.person_id,
    $period_start as index_date,
    cast(cast(observed_days - days_away as decimal(18, 2)) / 365.25 as decimal(18, 6)) as exposure,   -- R14: person-years
    condition_claims.claim_ids,
    ['R1', 'R2', 'R3', 'R11', 'R12', 'R13', 'R14'] as rule_ids,
    at_risk.conditions,
    at_risk.condition_names,
    cast(observed_days - days_away as integer) as at_risk_days,
    at_risk.days_away,
    at_risk.last_day,
    at_risk.hospice_day,
    at_risk.uncovered_month
from at_risk
join condition_claims using (person_id)
