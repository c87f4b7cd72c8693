-- Grain: one row per person with a mammogram in the window. Decides: the mammogram (R10), the window (R11) and which lines tell of one
-- (R12). Source: method.md, section 4.
with mammogram as (                                               -- R12: service_line holds what was not denied, once across payers
    select distinct population.event_id, service_line.service_date, service_line.claim_id
    from population
    join service_line on service_line.person_id = population.person_id
    join value_set
        on value_set.name in ('mammography', 'mammography_public') and value_set.code = service_line.hcpcs      -- R10
    where service_line.claim_type in ('professional', 'outpatient')
        and service_line.service_date
            between month_of(cast($period_start - interval 15 month as date)) and $period_end                   -- R11
),
latest as (
    select event_id, max(service_date) as screened_on
    from mammogram
    group by event_id
)
select
    latest.event_id,
    cast(1 as decimal(18, 6)) as value,
    ['R10', 'R11', 'R12'] as rule_ids,
    list(mammogram.claim_id order by mammogram.service_date, mammogram.claim_id) as claim_ids,
    latest.screened_on
from latest
join mammogram on mammogram.event_id = latest.event_id and mammogram.service_date = latest.screened_on
group by latest.event_id, latest.screened_on
