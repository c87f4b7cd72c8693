-- Grain: one row per measure and person of the population. Decides: the cost of the member months (R6, R7) and of a year
-- (R8), before any cap; the same of the services at reference prices (R16); and the amounts that are shown beside it (R10). All steps are
-- exact: cents as whole numbers. Source: method.md, sections 3 and 4.
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
        'total_cost_index' as measure_id,
        seen_month.event_id,
        seen_month.has_pharmacy,
        cost_event.service_category,
        coalesce(cost_event.repriced, false) as repriced,
        cast(null as varchar) as method,
        coalesce(cost_event.allowed_amount, 0) as amount
    from seen_month
    join cost_event
        on cost_event.person_id = seen_month.person_id and month_of(cost_event.service_date) = seen_month.month
    where cost_event.service_date between $period_start and $period_end
    union all
    select                                                        -- R16: the same months, each service at its reference price
        'resource_use_index',
        seen_month.event_id,
        seen_month.has_pharmacy,
        reference_cost.service_category,
        false,
        reference_cost.method,
        reference_cost.reference_amount
    from seen_month
    join reference_cost
        on reference_cost.person_id = seen_month.person_id and month_of(reference_cost.service_date) = seen_month.month
),
summed as (
    select
        measure_id,
        event_id,
        sum(amount) filter (where has_pharmacy) as amount,
        sum(amount) filter (where not has_pharmacy) as medical_only_amount,
        sum(amount) filter (where has_pharmacy and service_category = 'inpatient') as inpatient_amount,
        sum(amount) filter (where has_pharmacy and service_category = 'outpatient') as outpatient_amount,
        sum(amount) filter (where has_pharmacy and service_category = 'professional') as professional_amount,
        sum(amount) filter (where has_pharmacy and service_category = 'post_acute') as post_acute_amount,
        sum(amount) filter (where has_pharmacy and service_category = 'pharmacy') as pharmacy_amount,
        sum(amount) filter (
            where has_pharmacy and coalesce(service_category, 'other') not in ('inpatient', 'outpatient', 'professional', 'post_acute', 'pharmacy')
        ) as other_amount,
        sum(amount) filter (where has_pharmacy and repriced) as repriced_amount,
        sum(amount) filter (where has_pharmacy and method = 'service') as service_price_amount,
        sum(amount) filter (where has_pharmacy and method = 'code') as code_price_amount,
        sum(amount) filter (where has_pharmacy and method = 'day') as day_price_amount,
        sum(amount) filter (where has_pharmacy and method = 'ingredient') as ingredient_price_amount,
        sum(amount) filter (where has_pharmacy and method = 'unstandardised') as unstandardised_amount
    from service
    group by measure_id, event_id
)
select
    stated.measure_id,
    population.event_id,
    summed.amount,
    summed.medical_only_amount,
    summed.inpatient_amount,
    summed.outpatient_amount,
    summed.professional_amount,
    summed.post_acute_amount,
    summed.pharmacy_amount,
    summed.other_amount,
    summed.repriced_amount,
    summed.service_price_amount,
    summed.code_price_amount,
    summed.day_price_amount,
    summed.ingredient_price_amount,
    summed.unstandardised_amount,
    population.payer_type,
    population.member_months,
    cast(greatest(0, coalesce(summed.amount, 0)) * 100 as bigint) as cents,                      -- R7: a total below zero counts as zero
    case when population.member_months > 0                                                       -- R8: rounded down
        then cast(greatest(0, coalesce(summed.amount, 0)) * 100 as bigint) * 12 // population.member_months
    end as yearly_cents
from population
cross join (values ('total_cost_index'), ('resource_use_index')) as stated(measure_id)
left join summed on summed.measure_id = stated.measure_id and summed.event_id = population.event_id
