-- Grain: one row per service and person at risk of it, and the same again for the composite (R16).
-- Decides: who is at risk of which service (R1 to R5). Source: method.md, section 2.
with held_month as (                                              -- person_month counts a month once, whichever payers cover it
    select person_id, month, payer_type
    from person_month
    where month between month_of($period_start) and $period_end
        and medical
        and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
),
member as (
    select
        held_month.person_id,
        arg_max(held_month.payer_type, held_month.month) as payer_type,
        cast(count(*) as integer) as months_held
    from held_month
    group by held_month.person_id
),
adult as (
    select member.person_id, member.payer_type, member.months_held, person.sex, age_on(person.birth_date, $period_start) as age
    from member
    join person using (person_id)
    where age_on(person.birth_date, $period_start) >= $min_age
),
told_diagnosis as (                                               -- what each claim tells: the complaint, and what warrants a picture
    select diagnosis_event.person_id, diagnosis_event.claim_id, diagnosis_event.event_date, value_set.name
    from diagnosis_event
    join value_set
        on value_set.code = diagnosis_event.code
        and value_set.name in (
            'low_back_pain_dx', 'syncope_dx', 'syncope_warranted_dx', 'headache_dx', 'headache_warranted_dx'
        )
    where diagnosis_event.icd_version = 10
        and diagnosis_event.event_date between $period_start - 42 and $period_end
),
head_claim as (                                                   -- R3, R4: judged claim by claim
    select
        person_id,
        claim_id,
        bool_or(name = 'syncope_dx') and not bool_or(name = 'syncope_warranted_dx') as is_syncope,
        bool_or(name = 'headache_dx') and not bool_or(name = 'headache_warranted_dx') as is_headache
    from told_diagnosis
    where event_date >= $period_start
    group by person_id, claim_id
),
complaint as (
    select person_id, 'low_back_imaging' as service from told_diagnosis where name = 'low_back_pain_dx'
    union
    select person_id, 'syncope_imaging' as service from head_claim where is_syncope
    union
    select person_id, 'headache_imaging' as service from head_claim where is_headache
),
at_risk as (
    select person_id, 'psa' as service, 'R1' as rule_id from adult where sex = 1 and age >= $psa_age       -- R1
    union all
    select
        complaint.person_id,
        complaint.service,
        case complaint.service when 'low_back_imaging' then 'R2' when 'syncope_imaging' then 'R3' else 'R4' end as rule_id
    from complaint
    join adult using (person_id)
    union all
    select person_id, 'carotid_imaging' as service, 'R5' as rule_id from adult                             -- R5
),
published as (
    select person_id, service, rule_id, 'lvc_' || service as measure_id, person_id as event_id from at_risk
    union all
    select person_id, service, rule_id, 'lvc_composite' as measure_id, person_id || ':' || service as event_id     -- R16
    from at_risk
)
select
    published.measure_id,
    published.event_id,
    published.person_id,
    $period_end as index_date,
    adult.payer_type,
    cast([] as varchar[]) as claim_ids,
    case published.measure_id when 'lvc_composite' then [published.rule_id, 'R16'] else [published.rule_id] end as rule_ids,
    published.service,
    adult.months_held
from published
join adult using (person_id)
