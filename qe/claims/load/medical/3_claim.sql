-- Grain: one row per claim. The facility is found by the billing NPI, then by the TIN that the roster gives to one hospital.
insert into claim
select
    header.claim_id, $source_id, $payer_id, $payer_type, header.person_id, header.claim_type, header.from_date,
    header.thru_date, header.admit_date, header.discharge_date, header.bill_type, substr(header.bill_type, 3, 1), header.drg,
    header.admission_type, header.point_of_origin, header.discharge_status,
    case when header.bill_type is not null then coalesce(by_npi.unit_id, by_tin.unit_id) end,
    header.billing_npi, header.billing_tin, header.attending_npi, null, header.charge_amount, header.allowed_amount,
    header.paid_amount, header.member_amount, header.other_payer_amount, header.paid_status,
    header.paid_status in ('paid', 'zero_paid', 'other_payer_paid'), header.paid_date, header.version, $delivery_id, null,
    header.cob_order, header.payment_arrangement, null, null, false, 0,
    case
        when header.claim_type = 'inpatient'
            and is_acute_type(coalesce(by_npi.facility_type, by_tin.facility_type, 'short_term'))
            then coalesce(header.ward_type, by_npi.facility_type, by_tin.facility_type, 'short_term')
        when header.bill_type is not null then coalesce(by_npi.facility_type, by_tin.facility_type)
    end,
    'lines', header.superseded_by, null, false
from medical_header as header
left join facility_ref as by_npi on by_npi.id_type = 'NPI' and by_npi.identifier = header.billing_npi
left join facility_ref as by_tin on by_tin.id_type = 'TIN' and by_tin.identifier = header.billing_tin
