-- Grain: one row per person with a wellness visit in the period. Decides: the visit (R5), which lines tell of one (R6) and that
-- it counts once (R7). Source: method.md, section 4.
with wellness_claim as (                                          -- R6: service_line holds what was not denied, once across payers
    select distinct population.event_id, service_line.service_date, service_line.claim_id
    from population
    join service_line on service_line.person_id = population.person_id
    join value_set on value_set.name = 'annual_wellness_visit' and value_set.code = service_line.hcpcs      -- R5
    where service_line.claim_type in ('professional', 'outpatient')
        and service_line.service_date between $period_start and $period_end
),
visit as (                                                        -- R7: claims of one day are one visit
    select event_id, min(service_date) as first_visit_date, cast(count(distinct service_date) as integer) as visit_days
    from wellness_claim
    group by event_id
)
select
    visit.event_id,
    cast(1 as decimal(18, 6)) as value,
    ['R5', 'R6', 'R7'] as rule_ids,
    list(wellness_claim.claim_id order by wellness_claim.service_date, wellness_claim.claim_id) as claim_ids,
    visit.first_visit_date,
    visit.visit_days
from visit
join wellness_claim
    on wellness_claim.event_id = visit.event_id and wellness_claim.service_date = visit.first_visit_date
group by visit.event_id, visit.first_visit_date, visit.visit_days
