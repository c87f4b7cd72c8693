-- Grain: one row per stay in an acute hospital, a skilled nursing or an inpatient rehabilitation facility. Decides: its first and last day;
-- a stay whose last bill has not come lasts to the last day billed. Psychiatric and long-term hospitals are none of these.
-- Source: measures_spec.md section 7 (person-time).
select
    stay.stay_id,
    stay.person_id,
    stay.is_acute,
    stay.admit_date as first_day,
    greatest(stay.admit_date, coalesce(stay.discharge_date, last_bill.thru_date, stay.admit_date)) as last_day
from stay
left join claim as last_bill on last_bill.claim_id = stay.stay_id
where stay.is_acute or stay.facility_type in ('snf', 'rehabilitation')
