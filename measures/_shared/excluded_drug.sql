-- Grain: one row per person with a fill of a drug on the list excluded_drug in the calendar year. Decides: R17.
-- Source: method.md, section 3, of each measure that names this file.
with excluded_product as (
    select distinct ingredients from listed_product where list_name = 'excluded_drug'
)
select population.event_id, 'R17' as rule_id, list(fill.fill_id order by fill.fill_date, fill.fill_id) as claim_ids
from population
join fill on fill.person_id = population.person_id and fill.fill_date between $period_start and $period_end
join excluded_product using (ingredients)
group by population.event_id
