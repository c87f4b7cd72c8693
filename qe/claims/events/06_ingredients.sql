-- Grain: one fill. Decides: ingredients and brand or generic of a fill from the drug map in force on the fill date; ingredients given win.
-- The map is the site's (sources of kind drugs) or, of a model given as files, its table drug.
update pharmacy_fill
set ingredients = coalesce(pharmacy_fill.ingredients, mapped.ingredients),
    brand_generic = coalesce(pharmacy_fill.brand_generic, mapped.brand_generic)
from (
    select
        fill_id, drug.ingredients, drug.brand_generic,
        row_number() over (
            partition by fill_id
            order by drug.effective_from desc nulls last, drug.effective_to desc nulls first, drug.ingredients, drug.brand_generic
        ) as place
    from pharmacy_fill
    join drug
        on drug.ndc = pharmacy_fill.ndc and coalesce(drug.effective_from <= pharmacy_fill.fill_date, true)
        and coalesce(drug.effective_to >= pharmacy_fill.fill_date, true)
) as mapped
where mapped.fill_id = pharmacy_fill.fill_id and mapped.place = 1
