-- Grain: one row per pair that two payers both show and that counts once: a stay, another service, a fill or a person-month.
-- kept_* is what counts; combined_paid_amount is what the kept one costs with all its copies together, capped at its allowed amount.
-- Months have no amounts. A view: who asks for it reads the model (docs/reference/tables.md). Source: claims_data.md section 3.
create view coordination_pair as
with claim_pair as (
    select
        case when copied.claim_type in ('inpatient', 'snf') then 'stay' else 'service' end as kind,
        copied.claim_type, copied.person_id, coalesce(kept.admit_date, kept.from_date) as day,
        kept.claim_id as kept_id, copied.claim_id as copy_id, kept.payer_id as kept_payer_id, copied.payer_id as copy_payer_id,
        kept.allowed_amount as kept_allowed_amount, kept.paid_amount as kept_paid_amount,
        copied.allowed_amount as copy_allowed_amount, copied.paid_amount as copy_paid_amount,
        cost_event.paid_amount as combined_paid_amount
    from claim as copied
    join claim as kept on kept.claim_id = copied.duplicate_of
    left join cost_event on cost_event.event_kind = 'claim' and cost_event.claim_id = kept.claim_id
    where copied.superseded_by is null
),
fill_pair as (
    select
        'fill' as kind, 'pharmacy' as claim_type, copied.person_id, kept.fill_date as day,
        kept.fill_id as kept_id, copied.fill_id as copy_id, kept.payer_id as kept_payer_id, copied.payer_id as copy_payer_id,
        kept.allowed_amount as kept_allowed_amount, kept.paid_amount as kept_paid_amount,
        copied.allowed_amount as copy_allowed_amount, copied.paid_amount as copy_paid_amount,
        cost_event.paid_amount as combined_paid_amount
    from pharmacy_fill as copied
    join pharmacy_fill as kept on kept.fill_id = copied.duplicate_of
    left join cost_event on cost_event.event_kind = 'fill' and cost_event.claim_id = kept.fill_id
    where copied.superseded_by is null
),
month_pair as (
    select distinct
        'person_month' as kind, cast(null as varchar) as claim_type, member_month.person_id, member_month.month as day,
        cast(null as varchar) as kept_id, cast(null as varchar) as copy_id, person_month.payer_id as kept_payer_id,
        member_month.payer_id as copy_payer_id
    from member_month
    join person_month using (person_id, month)
    where member_month.payer_id <> person_month.payer_id and coalesce(member_month.medical, false)
)
select * from claim_pair
union all
select * from fill_pair
union all by name
select * from month_pair
