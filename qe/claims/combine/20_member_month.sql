-- Grain: one row per person, month, payer and product. Decides: the latest delivery's statement stands; two ids of one person count once;
-- Medicaid never pays before another medical product, and Medicare does not before a primary commercial one.
insert into member_month
with placed as (
    select
        person_ref.person_id, month_part.*,
        row_number() over (
            partition by month_part.source_id, month_part.native_person_id, month_part.month, month_part.product
            order by month_part.delivery_order desc, month_part.sequence desc nulls last, month_part.medical desc,
                month_part.pharmacy desc, month_part.is_primary desc, month_part.covered_from nulls first,
                month_part.covered_to desc nulls first
        ) as place,
        max(month_part.delivery_order) over (
            partition by month_part.source_id, month_part.native_person_id, month_part.month
        ) as latest_delivery
    from month_part
    join person_ref using (source_id, native_person_id)
),
one_month as (
    select
        person_id, month, payer_id, payer_type, product,
        bool_or(part_a) as part_a, bool_or(part_b) as part_b, bool_or(part_d) as part_d, bool_or(managed_care) as managed_care,
        bool_or(medical) as medical, bool_or(pharmacy) as pharmacy, bool_or(esrd) as esrd, bool_or(dual) as dual,
        bool_or(hospice) as hospice,
        bool_or(is_primary) as is_primary, min(covered_from) as covered_from, max(covered_to) as covered_to
    from placed
    where place = 1 and delivery_order = latest_delivery
    group by person_id, month, payer_id, payer_type, product
),
ranked as (
    select
        *,
        bool_or(medical and is_primary and payer_type = 'commercial') over (partition by person_id, month) as has_primary_commercial,
        bool_or(medical and payer_type <> 'medicaid') over (partition by person_id, month) as has_other_than_medicaid
    from one_month
)
select
    person_id, month, payer_id, payer_type, part_a, part_b, part_d, managed_care, medical, pharmacy, hospice, esrd, dual,
    case
        when not is_primary then false
        when payer_type = 'medicaid' then not has_other_than_medicaid
        when payer_type in ('medicare', 'medicare_advantage') then not has_primary_commercial
        else true
    end,
    product, covered_from, covered_to
from ranked
