-- Grain: one row per person with at least one month of the period whose medical claims we hold.
-- Decides: member months (R1, R2), the payer line (R3) and whether the year before is known well enough (R4).
-- Source: method.md, section 2.
with seen_month as (                                              -- person_month counts a month once, whichever payers cover it
    select
        person_id,
        month,
        payer_type,
        coalesce(medical, false) and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false)) as has_medical,
        coalesce(pharmacy, false) as has_pharmacy
    from person_month
    where month between cast(month_of($period_start) - interval 12 month as date) and $period_end
),
member as (                                                       -- R1, R2
    select
        person_id,
        cast(count(*) filter (where has_pharmacy) as integer) as member_months,
        cast(count(*) filter (where not has_pharmacy) as integer) as medical_only_months
    from seen_month
    where has_medical and month between month_of($period_start) and $period_end
    group by person_id
),
payer_months as (
    select person_id, payer_type, count(*) filter (where has_pharmacy) as member_months, count(*) as months, max(month) as month
    from seen_month
    where has_medical and month between month_of($period_start) and $period_end
    group by person_id, payer_type
),
payer_line as (                                                   -- R3: the payer of most member months, of the later ones when equal
    select
        person_id,
        payer_type,
        row_number() over (partition by person_id order by member_months desc, months desc, month desc) as place
    from payer_months
),
history as (                                                      -- R4: observable months of the 12 before the period
    select person_id, cast(count(*) as integer) as prior_months
    from seen_month
    where has_medical and month < month_of($period_start)
    group by person_id
)
select
    member.person_id as event_id,
    member.person_id,
    $period_end as index_date,
    payer_line.payer_type,
    case when coalesce(history.prior_months, 0) < 9 then 'short_history' else 'full_history' end as cohort,
    cast(member.member_months as decimal(18, 6)) as exposure,
    cast([] as varchar[]) as claim_ids,
    ['R1', 'R2', 'R3', 'R4'] as rule_ids,
    member.member_months,
    member.medical_only_months,
    coalesce(history.prior_months, 0) as prior_months            -- R11: with 9 or more, comorbidities are known
from member
join payer_line on payer_line.person_id = member.person_id and payer_line.place = 1
left join history on history.person_id = member.person_id
