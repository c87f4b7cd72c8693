-- Grain: one row per fill and rule that keeps it out of the denominator: all reasons, not the first.
-- Decides: supply (R3), brand or generic unknown (R4), no product of its own (R5), vaccines (R6), devices (R7), no generic there (R8).
-- Source: method.md, section 3.
with product as (
    select distinct ingredients
    from population
),
product_word as (
    select ingredients, unnest(ingredient_words(ingredients)) as word
    from product
),
product_rule as (
    select distinct product_word.ingredients, case value_set.name when 'vaccine' then 'R6' else 'R7' end as rule_id
    from product_word
    join value_set on value_set.name in ('vaccine', 'device') and value_set.code = product_word.word
)
select event_id, 'R3' as rule_id, claim_ids
from population
where exposure = 0
union all
select event_id, 'R4' as rule_id, claim_ids
from population
where brand_generic is null or brand_generic not in ('B', 'G')
union all
select event_id, 'R5' as rule_id, claim_ids                       -- a compound is billed without an NDC of its own
from population
where ndc is null or not regexp_full_match(ndc, '[0-9]{11}') or ndc in ('00000000000', '99999999999')
union all
select population.event_id, product_rule.rule_id, population.claim_ids
from population
join product_rule using (ingredients)
union all
select event_id, 'R8' as rule_id, claim_ids
from population
where $products = 'with_generic' and not coalesce(has_generic, false)
