-- Grain: one row per claim. Amounts from the header, once per claim.
insert into claim
select
    header.claim_id, $source_id, $payer_id, $payer_type, header.person_id, header.claim_type, header.from_date,
    header.thru_date, header.admit_date, header.discharge_date, header.bill_type, header.frequency_code, header.drg,
    header.admission_type, header.point_of_origin, header.discharge_status,
    coalesce(by_ccn.unit_id, by_npi.unit_id), header.billing_npi, null, header.attending_npi, header.operating_npi,
    header.charge_amount, header.allowed_amount, header.paid_amount, header.member_amount, header.primary_payer_amount,
    header.paid_status, header.service_occurred, header.paid_date, null, header.delivery_id, header.primary_payer_code,
    header.cob_order, null, header.non_payment_reason, header.covered_days, header.mco_paid, header.pass_through_amount,
    coalesce(by_ccn.facility_type, by_npi.facility_type), 'header', header.superseded_by, null, false
from institutional_header as header
left join facility_ref as by_ccn on by_ccn.id_type = 'CCN' and by_ccn.identifier = header.facility_ccn
left join facility_ref as by_npi on by_npi.id_type = 'NPI' and by_npi.identifier = header.billing_npi
