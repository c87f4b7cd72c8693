-- Grain: one row per fill of a person considered: those of drugs for diabetes (R1, R2), then statins (R16). No dollars are added up.
with statin_product as (
    select distinct ingredients from listed_product where list_name = 'statin'
),
diabetes_fill as (
    select event_id, unnest(claim_ids) as fill_id, unnest(range(1, len(claim_ids) + 1)) as place
    from population
),
counted as (
    select event_id, fill_id, 1 as step, place, cast(null as date) as fill_date
    from diabetes_fill
    union all
    select population.event_id, fill.fill_id, 2 as step, 0 as place, fill.fill_date
    from population
    join fill using (person_id)
    join statin_product using (ingredients)
    where fill.fill_date between $period_start and $period_end and fill.days_supply >= 1
        and not list_contains(population.claim_ids, fill.fill_id)
)
select
    event_id,
    'fill' as event_kind,
    fill_id as claim_id,
    cast(null as decimal(14, 2)) as amount
from counted
order by event_id, step, place, fill_date, fill_id
