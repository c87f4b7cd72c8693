-- Grain: one row per fill that stands with a fill date in the period (R1).
-- Decides: which fills are considered (R1) and how many 30-day fills each is worth (R2).
-- Source: method.md, section 2.
with drug_generic as (                                            -- R8: a generic of the same ingredients is in the drug map
    select list_sort(list_distinct(list_transform(ingredients, lambda name: upper(trim(name))))) as ingredients,
        effective_from, effective_to
    from drug
    where brand_generic = 'G' and len(ingredients) > 0
),
ingredient_day as (
    select distinct ingredients, fill_date
    from fill
    where is_mapped and fill_date between $period_start and $period_end
),
with_generic as (
    select distinct ingredient_day.ingredients, ingredient_day.fill_date
    from ingredient_day
    join drug_generic
        on drug_generic.ingredients = ingredient_day.ingredients
        and coalesce(drug_generic.effective_from <= ingredient_day.fill_date, true)
        and coalesce(drug_generic.effective_to >= ingredient_day.fill_date, true)
)
select
    fill.fill_id as event_id,
    fill.person_id,
    fill.fill_date as index_date,
    fill.payer_type,
    [fill.fill_id] as claim_ids,
    ['R1', 'R2'] as rule_ids,
    cast(                                                         -- R2: days of supply in 30-day fills
        case
            when coalesce(fill.days_supply, 0) < 1 then 0
            when $equivalents = 'bounded' then greatest(1, least(12, cast(fill.days_supply as decimal(18, 6)) / 30))
            else cast(fill.days_supply as decimal(18, 6)) / 30
        end
    as decimal(18, 6)) as exposure,
    fill.ndc,
    fill.ingredients,
    fill.is_mapped,
    fill.brand_generic,
    fill.brand_generic = 'G' or with_generic.fill_date is not null as has_generic,
    fill.prescriber_id
from fill
left join with_generic on with_generic.ingredients = fill.ingredients and with_generic.fill_date = fill.fill_date
where fill.fill_date between $period_start and $period_end
