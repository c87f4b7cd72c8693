-- Grain: one claim of a payer with several lines of business. Decides: the claim is of the payer type of the person's product in its month
-- (a commercial submitter's Medicare Advantage or Medicaid members); without one it stays the source's own.
update claim set payer_type = product.payer_type
from (
    select
        person_id, payer_id, month, payer_type,
        row_number() over (
            partition by person_id, payer_id, month
            order by medical desc, is_primary desc, payer_type = 'commercial', payer_type, product nulls first
        ) as place
    from member_month
) as product
where product.place = 1 and product.person_id = claim.person_id and product.payer_id = claim.payer_id
    and product.month = month_of(claim.from_date) and claim.payer_type <> 'medicare' and product.payer_type <> claim.payer_type
