-- Grain: one row per person of the population with a statin fill. Decides: at least one statin fill in the calendar year (R16).
-- Source: method.md, section 4.
with statin_product as (
    select distinct ingredients from listed_product where list_name = 'statin'
),
statin_fill as (                                                  -- R16: a fill with no supply does not count
    select fill.person_id, fill.fill_id, fill.fill_date
    from fill
    join statin_product using (ingredients)
    where fill.fill_date between $period_start and $period_end and fill.days_supply >= 1
)
select
    population.event_id,
    cast(1 as decimal(18, 6)) as value,
    ['R16'] as rule_ids,
    list(statin_fill.fill_id order by statin_fill.fill_date, statin_fill.fill_id) as claim_ids,
    cast(count(distinct statin_fill.fill_date) as integer) as statin_fill_dates
from population
join statin_fill using (person_id)
group by population.event_id
