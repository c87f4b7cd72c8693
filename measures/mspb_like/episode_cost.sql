-- Grain: one row per stay considered and Medicare claim that began in its episode (R11). Decides: what the episode cost, and its kinds of
-- care (R14). Drugs of Part D are no Part A or B claims. Source: method.md, section 4.
select
    population.event_id,
    cost_event.claim_id,
    cost_event.service_date,
    case
        when cost_event.service_category in ('inpatient', 'outpatient', 'professional', 'post_acute') then cost_event.service_category
        else 'other'
    end as part,
    coalesce(cost_event.allowed_amount, 0) as allowed_amount,
    coalesce(cost_event.repriced, false) as repriced
from population
join cost_event
    on cost_event.person_id = population.person_id
    and cost_event.event_kind = 'claim'
    and cost_event.payer_type = 'medicare'
    and cost_event.service_date between population.episode_start and population.episode_end
