-- Grain: one row per claim or fill whose allowed amount is part of a person's cost (R6, R7). The amounts of a person add up to the
-- column amount of numerator.sql, those of a kind of care (part, R10) to its column, to the cent; floor and cap (R7 to R9) come after.
with counted_month as (
    select population.event_id, population.person_id, person_month.month
    from population
    join person_month on person_month.person_id = population.person_id
    where person_month.pharmacy and person_month.medical
        and not (coalesce(person_month.payer_type, '') = 'medicare' and coalesce(person_month.managed_care, false))
        and person_month.month between month_of($period_start) and $period_end
)
select
    counted_month.event_id,
    cost_event.event_kind,
    cost_event.claim_id,
    coalesce(cost_event.allowed_amount, 0) as amount,
    case
        when cost_event.service_category in ('inpatient', 'outpatient', 'professional', 'post_acute', 'pharmacy')
            then cost_event.service_category
        else 'other'
    end as part
from counted_month
join cost_event
    on cost_event.person_id = counted_month.person_id and month_of(cost_event.service_date) = counted_month.month
where cost_event.service_date between $period_start and $period_end
order by counted_month.event_id, cost_event.service_date, cost_event.event_kind, cost_event.claim_id
