-- Grain: one row per measure and event of the population. Decides: what is one service (R8), when it is of low
-- value (R9 to R13), what is counted beside it (R14, R15). value is 1 for a person with a low-value service, amount its dollars.
-- Source: method.md, section 4.
with kind_line as (                                               -- R8: service_line holds what was not denied, once across payers
    select
        service_line.person_id,
        case value_set.name when 'psa_test_public' then 'psa_test' else value_set.name end as kind,
        service_line.service_date,
        service_line.claim_id,
        service_line.line_number,
        service_line.place_of_service,
        service_line.allowed_amount
    from service_line
    join value_set
        on value_set.code = service_line.hcpcs
        and value_set.name in ('psa_test', 'psa_test_public', 'low_back_imaging', 'head_imaging', 'carotid_imaging')
    where service_line.claim_type in ('professional', 'outpatient')
        and service_line.service_date between $period_start and $period_end
        and service_line.person_id in (select person_id from population)
),
kind_day as (                                                     -- R8: one service a person, kind and day; R15: its dollars
    select
        person_id, kind, service_date,
        sum(coalesce(allowed_amount, 0)) as allowed_amount,
        bool_or(coalesce(place_of_service, '') = '21') as is_inpatient
    from (
        select distinct person_id, kind, service_date, claim_id, line_number, place_of_service, allowed_amount
        from kind_line
    )
    group by person_id, kind, service_date
),
kind_claim as (
    select distinct person_id, kind, service_date, claim_id
    from kind_line
),
claim_diagnosis_told as (                                         -- R11 to R13: what the claims of that day's service tell together
    select
        kind_claim.person_id,
        kind_claim.kind,
        kind_claim.service_date,
        bool_or(value_set.name = 'syncope_dx') as has_syncope,
        bool_or(value_set.name = 'syncope_warranted_dx') as warranted_in_syncope,
        bool_or(value_set.name = 'headache_dx') as has_headache,
        bool_or(value_set.name = 'headache_warranted_dx') as warranted_in_headache,
        bool_or(value_set.name = 'carotid_symptom_dx') as has_symptom
    from kind_claim
    join diagnosis_event
        on diagnosis_event.person_id = kind_claim.person_id
        and diagnosis_event.claim_id = kind_claim.claim_id
        and diagnosis_event.icd_version = 10
    join value_set on value_set.code = diagnosis_event.code
    where kind_claim.kind in ('head_imaging', 'carotid_imaging')
    group by kind_claim.person_id, kind_claim.kind, kind_claim.service_date
),
emergency_day as (                                                -- R13: a claim of the day's service holds an emergency department line
    select distinct kind_claim.person_id, kind_claim.service_date
    from kind_claim
    join claim_line on claim_line.claim_id = kind_claim.claim_id
    left join value_set on value_set.name = 'emergency_service' and value_set.code = claim_line.hcpcs
    where kind_claim.kind = 'carotid_imaging'
        and (
            claim_line.revenue_code between '0450' and '0459'
            or claim_line.revenue_code = '0981'
            or claim_line.place_of_service = '23'
            or value_set.code is not null
        )
),
red_flag as (                                                     -- R10: the listed exclusions without the complaint's own codes
    select code
    from value_set
    where name = 'low_back_red_flag_dx' and code not in (select code from value_set where name = 'low_back_pain_dx')
),
back_day as (                                                     -- R10: the day of the picture and the 42 days before it
    select
        kind_day.person_id,
        kind_day.service_date,
        bool_or(pain.code is not null) as has_pain,
        bool_or(red_flag.code is not null) as has_red_flag
    from kind_day
    join diagnosis_event
        on diagnosis_event.person_id = kind_day.person_id
        and diagnosis_event.icd_version = 10
        and diagnosis_event.event_date between kind_day.service_date - 42 and kind_day.service_date
    left join value_set as pain on pain.name = 'low_back_pain_dx' and pain.code = diagnosis_event.code
    left join red_flag on red_flag.code = diagnosis_event.code
    where kind_day.kind = 'low_back_imaging'
    group by kind_day.person_id, kind_day.service_date
),
prostate_disease as (                                             -- R9: the day on which disease of the prostate was first told
    select diagnosis_event.person_id, min(diagnosis_event.event_date) as known_on
    from diagnosis_event
    join value_set on value_set.name = 'prostate_dx' and value_set.code = diagnosis_event.code
    where diagnosis_event.icd_version = 10
    group by diagnosis_event.person_id
),
judged as (                                                       -- R14: is_sensitive is the wider reading, for review
    select
        kind_day.person_id, 'psa' as service, kind_day.kind, kind_day.service_date, kind_day.allowed_amount,
        coalesce(prostate_disease.known_on > kind_day.service_date, true) as is_low_value,
        true as is_sensitive
    from kind_day
    left join prostate_disease using (person_id)
    where kind_day.kind = 'psa_test'
    union all
    select
        kind_day.person_id, 'low_back_imaging' as service, kind_day.kind, kind_day.service_date, kind_day.allowed_amount,
        back_day.has_pain and not back_day.has_red_flag as is_low_value,
        back_day.has_pain as is_sensitive
    from kind_day
    join back_day using (person_id, service_date)
    where kind_day.kind = 'low_back_imaging'
    union all
    select
        kind_day.person_id, 'syncope_imaging' as service, kind_day.kind, kind_day.service_date, kind_day.allowed_amount,
        told.has_syncope and not told.warranted_in_syncope as is_low_value,                                 -- R11
        told.has_syncope as is_sensitive
    from kind_day
    join claim_diagnosis_told as told using (person_id, kind, service_date)
    where kind_day.kind = 'head_imaging'
    union all
    select
        kind_day.person_id, 'headache_imaging' as service, kind_day.kind, kind_day.service_date, kind_day.allowed_amount,
        told.has_headache and not told.warranted_in_headache as is_low_value,                               -- R12
        told.has_headache as is_sensitive
    from kind_day
    join claim_diagnosis_told as told using (person_id, kind, service_date)
    where kind_day.kind = 'head_imaging'
    union all
    select
        kind_day.person_id, 'carotid_imaging' as service, kind_day.kind, kind_day.service_date, kind_day.allowed_amount,
        not kind_day.is_inpatient and emergency_day.person_id is null and not coalesce(told.has_symptom, false) as is_low_value,
        true as is_sensitive
    from kind_day
    left join claim_diagnosis_told as told using (person_id, kind, service_date)
    left join emergency_day using (person_id, service_date)
    where kind_day.kind = 'carotid_imaging'
),
counted as (
    select
        population.measure_id,
        population.event_id,
        cast(count(*) filter (where judged.is_low_value) as integer) as services,
        cast(count(*) filter (where judged.is_sensitive) as integer) as sensitive_services,
        cast(coalesce(sum(judged.allowed_amount) filter (where judged.is_low_value), 0) as decimal(14, 2)) as amount
    from population
    join judged on judged.person_id = population.person_id and judged.service = population.service
    group by population.measure_id, population.event_id
),
behind as (
    select
        population.measure_id,
        population.event_id,
        list(kind_claim.claim_id order by kind_claim.service_date, kind_claim.claim_id) as claim_ids
    from population
    join judged on judged.person_id = population.person_id and judged.service = population.service and judged.is_low_value
    join kind_claim
        on kind_claim.person_id = judged.person_id
        and kind_claim.kind = judged.kind
        and kind_claim.service_date = judged.service_date
    group by population.measure_id, population.event_id
)
select
    population.measure_id,
    population.event_id,
    cast(case when counted.services > 0 then 1 else 0 end as decimal(18, 6)) as value,
    coalesce(counted.amount, 0) as amount,
    [
        'R8',
        case population.service
            when 'psa' then 'R9'
            when 'low_back_imaging' then 'R10'
            when 'syncope_imaging' then 'R11'
            when 'headache_imaging' then 'R12'
            else 'R13'
        end,
        'R14',
        'R15'
    ] as rule_ids,
    coalesce(behind.claim_ids, cast([] as varchar[])) as claim_ids,
    coalesce(counted.services, 0) as services,
    coalesce(counted.sensitive_services, 0) as sensitive_services
from population
left join counted using (measure_id, event_id)
left join behind using (measure_id, event_id)
