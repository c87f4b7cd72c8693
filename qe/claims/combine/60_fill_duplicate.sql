-- Grain: one row per fill that another payer's fill shows too (working table). Decides: same person, day and NDC from two payers is one fill.
create or replace temp table fill_duplicate as
with live as (
    select
        fill_id, person_id, payer_id, fill_date, ndc,
        coalesce(cob_order, 1) * 1000000000000000
            + case payer_type when 'commercial' then 2 when 'medicaid' then 4 when 'medicare' then 1 else 3 end * 100000000000000
            + try_cast(fill_id as bigint) as standing
    from pharmacy_fill
    where coalesce(fill_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid') and superseded_by is null
)
select one.fill_id, arg_min(other.fill_id, other.standing) as kept_id
from live as one
join live as other using (person_id, fill_date, ndc)
where other.payer_id <> one.payer_id and other.standing < one.standing
group by one.fill_id
