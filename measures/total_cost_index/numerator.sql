-- Grain: one row per measure and person of the population. Decides: the cost of the member months (R6, R7), its cap (R8, R9) and what is
-- shown beside it (R10); the same of the services at reference prices (R16); and what was allowed over what reference prices give (R17).
-- value is the capped amount, amount the amount before floor and cap.
-- All steps are exact: cents and millionths of a dollar as whole numbers. Source: method.md, sections 3 to 5.
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
person_cost as (
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
),
yearly as (                                                       -- R8: cents a year, rounded down; a total below zero counts as zero
    select
        stated.measure_id,
        population.event_id,
        population.payer_type,
        population.member_months,
        cast(greatest(0, coalesce(person_cost.amount, 0)) * 100 as bigint) as cents,
        cast(greatest(0, coalesce(person_cost.amount, 0)) * 100 as bigint) * 12 // population.member_months as yearly_cents
    from population
    cross join (values ('total_cost_index'), ('resource_use_index')) as stated(measure_id)
    left join person_cost on person_cost.measure_id = stated.measure_id and person_cost.event_id = population.event_id
    where population.member_months > 0
),
ranked as (
    select
        measure_id,
        payer_type,
        yearly_cents,
        row_number() over (partition by measure_id, payer_type order by yearly_cents, event_id) as place,
        count(*) over (partition by measure_id, payer_type) as members
    from yearly
),
threshold as (                                                    -- R9: the lowest yearly cost that 99 % of the payer line do not exceed
    select measure_id, payer_type, min(yearly_cents) as cap_cents
    from ranked
    where place * 100 >= members * $cap_percentile
    group by measure_id, payer_type
),
capped as (                                                       -- R8: the cap of a year, for the months there are
    select
        yearly.measure_id,
        yearly.event_id,
        threshold.cap_cents,
        yearly.yearly_cents > threshold.cap_cents as is_capped,
        case
            when yearly.yearly_cents > threshold.cap_cents then threshold.cap_cents * yearly.member_months * 10000 // 12
            else yearly.cents * 10000
        end as millionths
    from yearly
    join threshold on threshold.measure_id = yearly.measure_id and threshold.payer_type is not distinct from yearly.payer_type
),
outcome as (
    select
        stated.measure_id,
        population.event_id,
        cast(cast(coalesce(capped.millionths, 0) as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)) as value,
        cast(coalesce(person_cost.amount, 0) as decimal(14, 2)) as amount,
        coalesce(capped.is_capped, false) as is_capped,
        cast(cast(capped.cap_cents as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(14, 2)) as cap_threshold,
        cast(coalesce(person_cost.inpatient_amount, 0) as decimal(14, 2)) as inpatient_amount,
        cast(coalesce(person_cost.outpatient_amount, 0) as decimal(14, 2)) as outpatient_amount,
        cast(coalesce(person_cost.professional_amount, 0) as decimal(14, 2)) as professional_amount,
        cast(coalesce(person_cost.post_acute_amount, 0) as decimal(14, 2)) as post_acute_amount,
        cast(coalesce(person_cost.pharmacy_amount, 0) as decimal(14, 2)) as pharmacy_amount,
        cast(coalesce(person_cost.other_amount, 0) as decimal(14, 2)) as other_amount,
        cast(coalesce(person_cost.repriced_amount, 0) as decimal(14, 2)) as repriced_amount,
        cast(coalesce(person_cost.medical_only_amount, 0) as decimal(14, 2)) as medical_only_amount,
        cast(coalesce(person_cost.service_price_amount, 0) as decimal(14, 2)) as service_price_amount,
        cast(coalesce(person_cost.code_price_amount, 0) as decimal(14, 2)) as code_price_amount,
        cast(coalesce(person_cost.day_price_amount, 0) as decimal(14, 2)) as day_price_amount,
        cast(coalesce(person_cost.ingredient_price_amount, 0) as decimal(14, 2)) as ingredient_price_amount,
        cast(coalesce(person_cost.unstandardised_amount, 0) as decimal(14, 2)) as unstandardised_amount
    from population
    cross join (values ('total_cost_index'), ('resource_use_index')) as stated(measure_id)
    left join person_cost on person_cost.measure_id = stated.measure_id and person_cost.event_id = population.event_id
    left join capped on capped.measure_id = stated.measure_id and capped.event_id = population.event_id
)
select
    outcome.measure_id,
    outcome.event_id,
    cast(population.member_months as decimal(18, 6)) as exposure,
    outcome.value,
    outcome.amount,
    case
        when outcome.measure_id = 'total_cost_index' then if(outcome.is_capped, ['R6', 'R7', 'R8', 'R9', 'R10'], ['R6', 'R7', 'R10'])
        else if(outcome.is_capped, ['R7', 'R8', 'R9', 'R10', 'R16'], ['R7', 'R10', 'R16'])
    end as rule_ids,
    cast([] as varchar[]) as claim_ids,
    outcome.is_capped,
    outcome.cap_threshold,
    outcome.inpatient_amount,
    outcome.outpatient_amount,
    outcome.professional_amount,
    outcome.post_acute_amount,
    outcome.pharmacy_amount,
    outcome.other_amount,
    if(outcome.measure_id = 'total_cost_index', outcome.repriced_amount, null) as repriced_amount,
    outcome.medical_only_amount,
    if(outcome.measure_id = 'resource_use_index', outcome.service_price_amount, null) as service_price_amount,
    if(outcome.measure_id = 'resource_use_index', outcome.code_price_amount, null) as code_price_amount,
    if(outcome.measure_id = 'resource_use_index', outcome.day_price_amount, null) as day_price_amount,
    if(outcome.measure_id = 'resource_use_index', outcome.ingredient_price_amount, null) as ingredient_price_amount,
    if(outcome.measure_id = 'resource_use_index', outcome.unstandardised_amount, null) as unstandardised_amount
from outcome
join population using (event_id)
union all
select                                                            -- R17: what was allowed, counted by what reference prices give
    'price_index',
    allowed.event_id,
    repriced_cost.value,
    allowed.value,
    allowed.amount,
    ['R17'],
    cast([] as varchar[]),
    null, null, null, null, null, null, null, null,
    allowed.repriced_amount,
    null, null, null, null, null, null
from outcome as allowed
join outcome as repriced_cost
    on repriced_cost.event_id = allowed.event_id and repriced_cost.measure_id = 'resource_use_index'
where allowed.measure_id = 'total_cost_index'
