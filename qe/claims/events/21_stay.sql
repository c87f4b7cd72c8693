-- Grain: one row per stay; stay_id is the claim_id of its last bill. Decides: open stays (no final bill; status 30 is never a discharge)
-- and whether the person died in it. The last bill gives diagnosis, DRG and discharge; the first one gives the admission.
insert into stay
with whole as (
    select
        bill.stay_id, min(bill.admit_date) as admit_date, max(bill.discharge_date) as discharge_date,
        list(bill.claim_id order by bill.place) as claim_ids,
        sum(case when coalesce(claim.mco_paid, false) then 0 else claim.allowed_amount end) as allowed_amount,
        sum(case when coalesce(claim.mco_paid, false) then 0 else claim.paid_amount end) as paid_amount
    from bill
    join claim using (claim_id)
    group by bill.stay_id
),
first_bill as (
    select bill.stay_id, claim.admission_type, claim.point_of_origin
    from bill join claim using (claim_id)
    where bill.place = 1
)
select
    bill.stay_id, bill.person_id, bill.facility_id, bill.facility_type,
    is_acute_type(bill.facility_type) and bill.claim_type = 'inpatient',
    claim.payer_id, claim.payer_type, whole.admit_date,
    case when bill.is_interim then null else whole.discharge_date end,
    claim.discharge_status, bill.is_interim,
    coalesce(claim.discharge_status in ('20', '40', '41', '42'), false),
    bill.principal_diagnosis, bill.icd_version, claim.drg, first_bill.admission_type, first_bill.point_of_origin,
    whole.allowed_amount, whole.paid_amount, whole.claim_ids
from bill
join claim using (claim_id)
join whole using (stay_id)
join first_bill using (stay_id)
where bill.place_from_end = 1
