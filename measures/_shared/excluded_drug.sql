-- Grain: one row per person with a fill of a drug on the list excluded_drug in the calendar year. Decides: R17.
-- Source: method.md, section 3, of each measure that names this file.
with product as (
    select distinct ingredients
    from fill
    where fill_date between $period_start and $period_end
),
product_word as (
    select ingredients, unnest(ingredient_words(ingredients)) as word
    from product
),
excluded_product as (
    select distinct product_word.ingredients
    from product_word
    join value_set on value_set.name = 'excluded_drug' and value_set.code = product_word.word
)
select population.event_id, 'R17' as rule_id, list(fill.fill_id order by fill.fill_date, fill.fill_id) as claim_ids
from population
join fill on fill.person_id = population.person_id and fill.fill_date between $period_start and $period_end
join excluded_product using (ingredients)
group by population.event_id
