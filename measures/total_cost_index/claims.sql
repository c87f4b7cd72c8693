-- Grain: one row per measure and claim or fill whose dollars are part of a person's cost (R6, R7), or of it at reference prices (R16: the
-- first claim of a service holds it). Those of a person add up to the column amount of numerator.sql, those of a kind of care (part,
-- R10) to its column, to the cent; floor and cap (R7 to R9) come after.
with counted_month as (
    select population.event_id, population.person_id, person_month.month
    from population
    join person_month on person_month.person_id = population.person_id
    where person_month.pharmacy and person_month.medical
        and not (coalesce(person_month.payer_type, '') = 'medicare' and coalesce(person_month.managed_care, false))
        and person_month.month between month_of($period_start) and $period_end
),
counted as (
    select
        stated.measure_id,
        counted_month.event_id,
        cost_event.event_kind,
        cost_event.claim_id,
        cost_event.service_date,
        cost_event.service_category,
        coalesce(cost_event.allowed_amount, 0) as amount
    from counted_month
    join cost_event
        on cost_event.person_id = counted_month.person_id and month_of(cost_event.service_date) = counted_month.month
    cross join (values ('total_cost_index'), ('price_index')) as stated(measure_id)
    where cost_event.service_date between $period_start and $period_end
    union all
    select
        'resource_use_index',
        counted_month.event_id,
        reference_cost.event_kind,
        reference_cost.claim_id,
        reference_cost.service_date,
        reference_cost.service_category,
        sum(reference_cost.reference_amount)
    from counted_month
    join reference_cost
        on reference_cost.person_id = counted_month.person_id and month_of(reference_cost.service_date) = counted_month.month
    group by
        counted_month.event_id, reference_cost.event_kind, reference_cost.claim_id, reference_cost.service_date,
        reference_cost.service_category
)
select
    measure_id,
    event_id,
    event_kind,
    claim_id,
    cast(amount as decimal(14, 2)) as amount,
    case
        when service_category in ('inpatient', 'outpatient', 'professional', 'post_acute', 'pharmacy') then service_category
        else 'other'
    end as part
from counted
order by measure_id, event_id, service_date, event_kind, claim_id
