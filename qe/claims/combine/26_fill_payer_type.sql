-- Grain: one fill of a payer with several lines of business. Decides: the fill is of the payer type of the person's product in its month.
update pharmacy_fill set payer_type = product.payer_type
from (
    select
        person_id, payer_id, month, payer_type,
        row_number() over (
            partition by person_id, payer_id, month
            order by pharmacy desc, is_primary desc, payer_type = 'commercial', payer_type, product nulls first
        ) as place
    from member_month
) as product
where product.place = 1 and product.person_id = pharmacy_fill.person_id and product.payer_id = pharmacy_fill.payer_id
    and product.month = month_of(pharmacy_fill.fill_date) and pharmacy_fill.payer_type <> 'medicare'
    and product.payer_type <> pharmacy_fill.payer_type
