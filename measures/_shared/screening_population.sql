-- Grain: one row per person of the measure's sex and age on the last day of the period, seen in at least one month of the period.
-- Decides: who is considered (R1) and the age group (R2). Source: method.md, section 2.
with seen_month as (                                              -- person_month counts a month once, whichever payers cover it
    select person_id, month, payer_type
    from person_month
    where month between month_of($period_start) and $period_end
        and medical
        and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
),
member as (
    select person_id, arg_max(payer_type, month) as payer_type
    from seen_month
    group by person_id
)
select
    member.person_id as event_id,
    member.person_id,
    $period_end as index_date,
    member.payer_type,
    case when age_on(person.birth_date, $period_end) < $older_from then 'younger' else 'older' end as cohort,     -- R2
    cast([] as varchar[]) as claim_ids,
    ['R1', 'R2'] as rule_ids,
    cast(age_on(person.birth_date, $period_end) as integer) as age
from member
join person using (person_id)
where age_on(person.birth_date, $period_end) between $youngest and $oldest                                       -- R1
    and ($sex = 'any' or person.sex = 2)
