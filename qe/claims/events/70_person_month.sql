-- Grain: one row per person and month. Decides: the primary medical product, and what is observable in any of the person's products.
-- hospital: a payer submits the medical claims; of original Medicare, where the person is in no managed care (the plan holds the claims)
-- and has Part A. What a source does not say of Part A is no lack of it.
insert into person_month
with ranked as (
    select
        *,
        row_number() over (
            partition by person_id, month
            order by
                coalesce(medical, false) and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false)) desc,
                coalesce(medical, false) desc, coalesce(is_primary, true) desc,
                case payer_type when 'medicare' then 1 when 'medicare_advantage' then 2 when 'commercial' then 3 else 4 end,
                payer_id, product nulls first
        ) as place
    from member_month
),
ffs as (
    select
        person_id, month,
        bool_or(payer_type in ('medicare', 'medicare_advantage') and coalesce(part_a, false) and coalesce(part_b, false)) as has_ab,
        bool_or(coalesce(managed_care, payer_type = 'medicare_advantage')) as managed_care
    from member_month
    group by person_id, month
)
select
    ranked.person_id, ranked.month,
    min(ranked.payer_id) filter (where place = 1), min(ranked.payer_type) filter (where place = 1),
    bool_or(coalesce(ranked.medical, false)), bool_or(coalesce(ranked.pharmacy, false)),
    bool_or(
        coalesce(ranked.medical, false)
        and not (
            coalesce(ranked.payer_type, '') = 'medicare'
            and (coalesce(ranked.managed_care, false) or not coalesce(ranked.part_a, true))
        )
    ),
    bool_or(ffs.has_ab) and not bool_or(ffs.managed_care),
    bool_or(coalesce(ranked.part_a, false)), bool_or(coalesce(ranked.part_b, false)), bool_or(coalesce(ranked.part_d, false)),
    bool_or(ffs.managed_care), bool_or(coalesce(ranked.hospice, false)), bool_or(coalesce(ranked.esrd, false)),
    bool_or(coalesce(ranked.dual, false))
from ranked
join ffs using (person_id, month)
group by ranked.person_id, ranked.month
