-- Grain: one row per measure and person of the population. Decides: the cost of the member months (R6, R7), its cap (R8, R9) and what is
-- shown beside it (R10); the same of the services at reference prices (R16); and what was allowed over what reference prices give (R17).
-- value is the capped amount, amount the amount before floor and cap.
-- All steps are exact: cents and millionths of a dollar as whole numbers. Source: method.md, sections 3 to 5.
with capped as (                                                  -- R8: the cap of a year, for the months there are
    select
        person_cost.*,
        cost_cap.cap_cents,
        coalesce(person_cost.yearly_cents > cost_cap.cap_cents, false) as is_capped,
        case
            when person_cost.member_months = 0 then 0
            when person_cost.yearly_cents > cost_cap.cap_cents then cost_cap.cap_cents * person_cost.member_months * 10000 // 12
            else person_cost.cents * 10000
        end as millionths
    from person_cost
    left join cost_cap
        on cost_cap.measure_id = person_cost.measure_id
        and cost_cap.payer_type is not distinct from person_cost.payer_type
        and person_cost.member_months > 0
),
outcome as (
    select
        measure_id,
        event_id,
        cast(cast(millionths as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)) as value,
        cast(coalesce(amount, 0) as decimal(14, 2)) as amount,
        is_capped,
        cast(cast(cap_cents as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(14, 2)) as cap_threshold,
        cast(coalesce(inpatient_amount, 0) as decimal(14, 2)) as inpatient_amount,
        cast(coalesce(outpatient_amount, 0) as decimal(14, 2)) as outpatient_amount,
        cast(coalesce(professional_amount, 0) as decimal(14, 2)) as professional_amount,
        cast(coalesce(post_acute_amount, 0) as decimal(14, 2)) as post_acute_amount,
        cast(coalesce(pharmacy_amount, 0) as decimal(14, 2)) as pharmacy_amount,
        cast(coalesce(other_amount, 0) as decimal(14, 2)) as other_amount,
        cast(coalesce(repriced_amount, 0) as decimal(14, 2)) as repriced_amount,
        cast(coalesce(medical_only_amount, 0) as decimal(14, 2)) as medical_only_amount,
        cast(coalesce(service_price_amount, 0) as decimal(14, 2)) as service_price_amount,
        cast(coalesce(code_price_amount, 0) as decimal(14, 2)) as code_price_amount,
        cast(coalesce(day_price_amount, 0) as decimal(14, 2)) as day_price_amount,
        cast(coalesce(ingredient_price_amount, 0) as decimal(14, 2)) as ingredient_price_amount,
        cast(coalesce(unstandardised_amount, 0) as decimal(14, 2)) as unstandardised_amount
    from capped
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
