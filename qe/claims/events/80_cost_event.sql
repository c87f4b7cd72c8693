-- Grain: one row per claim or fill. Decides: each service costs once across payers: the kept claim's allowed amount; paid is what all payers
-- paid together, capped at allowed. Claims that a Medicare managed-care plan paid (information only) are no cost.
insert into cost_event
with claim_copy as (
    select duplicate_of as claim_id, sum(paid_amount) as paid_amount
    from claim
    where duplicate_of is not null and superseded_by is null and not coalesce(mco_paid, false)
    group by duplicate_of
),
fill_copy as (
    select duplicate_of as fill_id, sum(paid_amount) as paid_amount
    from pharmacy_fill
    where duplicate_of is not null and superseded_by is null
    group by duplicate_of
)
select
    claim.person_id, coalesce(claim.admit_date, claim.from_date), 'claim', claim.claim_id, claim.payer_id, claim.payer_type,
    case
        when claim.claim_type = 'inpatient' and claim.facility_type in ('rehabilitation', 'ltch', 'snf') then 'post_acute'
        when claim.claim_type in ('inpatient', 'outpatient', 'professional') then claim.claim_type
        when claim.claim_type in ('snf', 'hha') then 'post_acute'
        else 'other'
    end,
    claim.allowed_amount,
    case
        when claim_copy.claim_id is null then claim.paid_amount
        else least(coalesce(claim.paid_amount, 0) + claim_copy.paid_amount, claim.allowed_amount)
    end,
    coalesce(claim.repriced, false)
from claim
left join claim_copy using (claim_id)
where claim.paid_status in ('paid', 'zero_paid', 'other_payer_paid') and claim.superseded_by is null
    and claim.duplicate_of is null and not coalesce(claim.mco_paid, false)
union all
select
    pharmacy_fill.person_id, pharmacy_fill.fill_date, 'fill', pharmacy_fill.fill_id, pharmacy_fill.payer_id,
    pharmacy_fill.payer_type, 'pharmacy', pharmacy_fill.allowed_amount,
    case
        when fill_copy.fill_id is null then pharmacy_fill.paid_amount
        else least(coalesce(pharmacy_fill.paid_amount, 0) + fill_copy.paid_amount, pharmacy_fill.allowed_amount)
    end,
    coalesce(pharmacy_fill.repriced, false)
from pharmacy_fill
join fill using (fill_id)
left join fill_copy using (fill_id)
