-- Grain: one row per person of the population. Decides: the cost of the member months (R6, R7), its cap (R8, R9), and what is shown
-- beside it (R10). value is the capped allowed amount, amount the allowed amount before floor and cap.
-- All steps are exact: cents and millionths of a dollar as whole numbers. Source: method.md, section 3.
with seen_month as (
    select
        population.event_id,
        population.person_id,
        person_month.month,
        coalesce(person_month.pharmacy, false) as has_pharmacy
    from population
    join person_month on person_month.person_id = population.person_id
    where coalesce(person_month.medical, false)
        and not (coalesce(person_month.payer_type, '') = 'medicare' and coalesce(person_month.managed_care, false))
        and person_month.month between month_of($period_start) and $period_end
),
service as (                                                      -- R6: by the day the service began; R7: only in months that count
    select
        seen_month.event_id,
        seen_month.has_pharmacy,
        cost_event.service_category,
        coalesce(cost_event.repriced, false) as repriced,
        coalesce(cost_event.allowed_amount, 0) as allowed_amount
    from seen_month
    join cost_event
        on cost_event.person_id = seen_month.person_id and month_of(cost_event.service_date) = seen_month.month
    where cost_event.service_date between $period_start and $period_end
),
person_cost as (
    select
        event_id,
        sum(allowed_amount) filter (where has_pharmacy) as allowed_amount,
        sum(allowed_amount) filter (where not has_pharmacy) as medical_only_amount,
        sum(allowed_amount) filter (where has_pharmacy and service_category = 'inpatient') as inpatient_amount,
        sum(allowed_amount) filter (where has_pharmacy and service_category = 'outpatient') as outpatient_amount,
        sum(allowed_amount) filter (where has_pharmacy and service_category = 'professional') as professional_amount,
        sum(allowed_amount) filter (where has_pharmacy and service_category = 'post_acute') as post_acute_amount,
        sum(allowed_amount) filter (where has_pharmacy and service_category = 'pharmacy') as pharmacy_amount,
        sum(allowed_amount) filter (
            where has_pharmacy and coalesce(service_category, 'other') not in ('inpatient', 'outpatient', 'professional', 'post_acute', 'pharmacy')
        ) as other_amount,
        sum(allowed_amount) filter (where has_pharmacy and repriced) as repriced_amount
    from service
    group by event_id
),
yearly as (                                                       -- R8: cents a year, rounded down; a total below zero counts as zero
    select
        population.event_id,
        population.payer_type,
        population.member_months,
        cast(greatest(0, coalesce(person_cost.allowed_amount, 0)) * 100 as bigint) as cents,
        cast(greatest(0, coalesce(person_cost.allowed_amount, 0)) * 100 as bigint) * 12 // population.member_months as yearly_cents
    from population
    left join person_cost using (event_id)
    where population.member_months > 0
),
ranked as (
    select
        payer_type,
        yearly_cents,
        row_number() over (partition by payer_type order by yearly_cents, event_id) as place,
        count(*) over (partition by payer_type) as members
    from yearly
),
threshold as (                                                    -- R9: the lowest yearly cost that 99 % of the payer line do not exceed
    select payer_type, min(yearly_cents) as cap_cents
    from ranked
    where place * 100 >= members * $cap_percentile
    group by payer_type
),
capped as (                                                       -- R8: the cap of a year, for the months there are
    select
        yearly.event_id,
        threshold.cap_cents,
        yearly.yearly_cents > threshold.cap_cents as is_capped,
        case
            when yearly.yearly_cents > threshold.cap_cents then threshold.cap_cents * yearly.member_months * 10000 // 12
            else yearly.cents * 10000
        end as millionths
    from yearly
    join threshold on threshold.payer_type is not distinct from yearly.payer_type
)
select
    population.event_id,
    cast(cast(coalesce(capped.millionths, 0) as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)) as value,
    cast(coalesce(person_cost.allowed_amount, 0) as decimal(14, 2)) as amount,
    case when coalesce(capped.is_capped, false) then ['R6', 'R7', 'R8', 'R9', 'R10'] else ['R6', 'R7', 'R10'] end as rule_ids,
    cast([] as varchar[]) as claim_ids,
    coalesce(capped.is_capped, false) as is_capped,
    cast(cast(capped.cap_cents as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(14, 2)) as cap_threshold,
    cast(coalesce(person_cost.inpatient_amount, 0) as decimal(14, 2)) as inpatient_amount,
    cast(coalesce(person_cost.outpatient_amount, 0) as decimal(14, 2)) as outpatient_amount,
    cast(coalesce(person_cost.professional_amount, 0) as decimal(14, 2)) as professional_amount,
    cast(coalesce(person_cost.post_acute_amount, 0) as decimal(14, 2)) as post_acute_amount,
    cast(coalesce(person_cost.pharmacy_amount, 0) as decimal(14, 2)) as pharmacy_amount,
    cast(coalesce(person_cost.other_amount, 0) as decimal(14, 2)) as other_amount,
    cast(coalesce(person_cost.repriced_amount, 0) as decimal(14, 2)) as repriced_amount,
    cast(coalesce(person_cost.medical_only_amount, 0) as decimal(14, 2)) as medical_only_amount
from population
left join person_cost using (event_id)
left join capped using (event_id)
