-- Grain: one row per NDC and span of days of the drug map; ingredients in upper case, sorted, once each.
insert into drug
select distinct
    ndc,
    list_sort(list_distinct(list_transform(ingredients, lambda name: upper(trim(name))))),
    case upper(brand_generic) when 'B' then 'B' when 'G' then 'G' end,
    effective_from,
    effective_to
from incoming
