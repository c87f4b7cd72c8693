-- Grain: one row per stay in an acute hospital, a skilled nursing or an inpatient rehabilitation facility. Decides: its first and last day;
-- a stay whose last bill has not come lasts to the last day that any of its bills names. Psychiatric and long-term hospitals are none of these.
-- Source: measures_spec.md section 7 (person-time).
with open_bill as (
    select stay_id, unnest(claim_ids) as claim_id
    from stay
    where discharge_date is null
),
last_billed as (
    select open_bill.stay_id, max(claim.thru_date) as day
    from open_bill
    join claim using (claim_id)
    group by open_bill.stay_id
)
select
    stay.stay_id,
    stay.person_id,
    stay.is_acute,
    stay.admit_date as first_day,
    greatest(stay.admit_date, coalesce(stay.discharge_date, last_billed.day, stay.admit_date)) as last_day
from stay
left join last_billed using (stay_id)
where stay.is_acute or stay.facility_type in ('snf', 'rehabilitation')
