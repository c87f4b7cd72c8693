-- Grain: one row per member, month and product. Decides: products that are no medical month (Medigap, dental, vision, drug only, ...)
-- and who pays first (CDLME040). An unknown product counts as the source's own payer type. Source: claims_data.md, correction 5.
insert into month_part
with judged as (
    select
        incoming.*,
        make_date(cast(incoming.year as bigint), incoming.month, 1) as month_start,
        coalesce(category.payer_type, $payer_type) as product_payer_type,
        coalesce(category.is_medical, true) and coalesce(upper(incoming.medical) in ('Y', '1'), false) as is_medical,
        coalesce(upper(incoming.pharmacy) in ('Y', '1'), false) as is_pharmacy,
        coalesce(category.is_primary, true) and not coalesce(upper(incoming.is_primary) in ('N', '2', 'S', '0'), false) as pays_first
    from incoming
    left join product_category as category on category.code = upper(incoming.product)
)
select
    $source_id, native_person_id, delivery_order, sequence, month_start, $payer_id,
    case when $payer_type in ('medicare_advantage', 'medicaid') and product_payer_type = 'commercial'
        then $payer_type else product_payer_type end,
    null, null, null, product_payer_type = 'medicare_advantage', is_medical, is_pharmacy, null, null, pays_first, product,
    case when plan_from > month_start then plan_from end,
    case when plan_to < last_day(month_start) then plan_to end,
    null
from judged
where (plan_from is null or plan_from <= last_day(month_start)) and (plan_to is null or plan_to >= month_start)
