-- Grain: of ed_visit_rate one row per adult with at least one month in view; of ed_avoidable_share one row per emergency visit of the
-- period. Decides: who is considered (R1), months in view and member years (R2, R3), visits (R5) and the class probabilities (R10).
-- Source: method.md, sections 2 to 4.
with seen_month as (                                              -- R2: months whose claims our sources hold
    select person_id, month
    from person_month
    where medical
        and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
        and month between month_of($period_start) and $period_end
),
member as (                                                       -- R1, R3: 18 or over on at least one day of the month
    select
        seen_month.person_id,
        cast(count(*) filter (where age_on(person.birth_date, last_day(seen_month.month)) >= 18) as integer) as member_months
    from seen_month
    left join person using (person_id)
    group by seen_month.person_id, person.birth_date
    having coalesce(age_on(person.birth_date, $period_end) >= 18, true)
),
visit_of_period as (                                              -- R5
    select
        ed_visit.event_id,
        ed_visit.person_id,
        ed_visit.visit_date,
        ed_visit.facility_id,
        ed_visit.payer_type,
        ed_visit.claim_ids,
        coalesce(ed_visit.is_admitted, false) as is_admitted,
        age_on(person.birth_date, ed_visit.visit_date) as age_at_visit,
        seen_month.month is not null as is_in_view,
        case when coalesce(ed_visit.icd_version, 10) = 10 then ed_visit.principal_diagnosis end as code
    from ed_visit
    left join person using (person_id)
    left join seen_month on seen_month.person_id = ed_visit.person_id and seen_month.month = month_of(ed_visit.visit_date)
    where ed_visit.visit_date between $period_start and $period_end
),
code_class as (                                                   -- R10: "class probability" of each code of the visits
    select
        code_map.code,
        split_part(code_map.category, ' ', 1) as class,
        cast(split_part(code_map.category, ' ', 2) as decimal(12, 10)) as probability
    from code_map
    where code_map.name = 'ed_probability' and code_map.code in (select code from visit_of_period)
),
code_probability as (
    select
        code,
        coalesce(sum(probability) filter (where class in ('noner', 'epct')), 0) as avoidable,
        coalesce(sum(probability) filter (where class = 'noner'), 0) as non_emergent,
        coalesce(sum(probability) filter (where class = 'epct'), 0) as primary_care_treatable,
        coalesce(sum(probability) filter (where class = 'edcnpa'), 0) as emergent_preventable,
        coalesce(sum(probability) filter (where class = 'edcnnpa'), 0) as emergent_not_preventable,
        coalesce(sum(probability) filter (where class in ('injury', 'psych', 'alcohol', 'drug')), 0) as other_classes
    from code_class
    group by code
)
select
    'ed_visit_rate' as measure_id,
    member.person_id as event_id,
    member.person_id,
    $period_end as index_date,
    cast(null as varchar) as facility_id,
    cast(                                                         -- R3: millionths of a year, rounded
        cast((member.member_months * 1000000 + 6) // 12 as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    ) as exposure,
    cast([] as varchar[]) as claim_ids,
    ['R1', 'R2', 'R3'] as rule_ids,
    member.member_months,
    cast(null as boolean) as is_admitted,
    cast(null as integer) as age_at_visit,
    cast(null as boolean) as is_in_view,
    cast(null as decimal(18, 6)) as avoidable,
    cast(null as decimal(18, 6)) as non_emergent,
    cast(null as decimal(18, 6)) as primary_care_treatable,
    cast(null as decimal(18, 6)) as emergent_preventable,
    cast(null as decimal(18, 6)) as emergent_not_preventable,
    cast(null as decimal(18, 6)) as other_classes
from member
union all
select
    'ed_avoidable_share',
    visit_of_period.event_id,
    visit_of_period.person_id,
    visit_of_period.visit_date,
    visit_of_period.facility_id,
    cast(1 as decimal(18, 6)),
    visit_of_period.claim_ids,
    ['R5', 'R10'],
    cast(null as integer),
    visit_of_period.is_admitted,
    visit_of_period.age_at_visit,
    visit_of_period.is_in_view,
    cast(code_probability.avoidable as decimal(18, 6)),
    cast(code_probability.non_emergent as decimal(18, 6)),
    cast(code_probability.primary_care_treatable as decimal(18, 6)),
    cast(code_probability.emergent_preventable as decimal(18, 6)),
    cast(code_probability.emergent_not_preventable as decimal(18, 6)),
    cast(code_probability.other_classes as decimal(18, 6))
from visit_of_period
left join code_probability on code_probability.code = visit_of_period.code
