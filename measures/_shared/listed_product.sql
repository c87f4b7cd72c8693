-- Grain: one row per product filled in the period, drug list and drug of that list that is in the product (a part: it runs before the population).
-- Decides: a product counts by every drug whose name is a word of its ingredients' names. Source: method.md of each measure that names this file.
with product as (
    select distinct ingredients
    from fill
    where fill_date between $period_start and $period_end
),
product_word as (
    select ingredients, unnest(ingredient_words(ingredients)) as word
    from product
)
select distinct value_set.name as list_name, product_word.ingredients, value_set.code as ingredient
from product_word
join value_set on value_set.system = 'INGREDIENT' and value_set.code = product_word.word
