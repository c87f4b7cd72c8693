-- Grain: one row per claim of the file; its statuses and amounts are taken as given. The facility is found by CCN or NPI.
insert into claim
select
    claim_ref.claim_id, $source_id, coalesce(incoming.payer_id, $payer_id), $payer_type, person_ref.person_id, incoming.claim_type,
    incoming.from_date, incoming.thru_date, incoming.admit_date, incoming.discharge_date, incoming.bill_type,
    incoming.frequency_code, incoming.drg, incoming.admission_type, incoming.point_of_origin, incoming.discharge_status,
    coalesce(by_id.unit_id, by_npi.unit_id), incoming.billing_npi, incoming.billing_tin, incoming.attending_npi,
    incoming.operating_npi, incoming.charge_amount, incoming.allowed_amount, incoming.paid_amount, incoming.member_amount,
    incoming.other_payer_amount, coalesce(incoming.paid_status, 'paid'),
    coalesce(
        incoming.service_occurred, coalesce(incoming.paid_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
    ),
    incoming.paid_date, incoming.version, $delivery_id, incoming.primary_payer_code, incoming.cob_order,
    incoming.payment_arrangement, incoming.non_payment_reason, incoming.covered_days, coalesce(incoming.mco_paid, false),
    incoming.pass_through_amount, coalesce(incoming.facility_type, by_id.facility_type, by_npi.facility_type),
    coalesce(incoming.amount_basis, 'header'), claim_ref.superseded_by, null, coalesce(incoming.repriced, false)
from incoming
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'model' and claim_ref.native_claim_id = incoming.claim_id
    and claim_ref.delivery_order = incoming.delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = incoming.person_id
left join facility_ref as by_id on by_id.id_type in ('CCN', 'NPI') and by_id.identifier = incoming.facility_id
left join facility_ref as by_npi
    on by_npi.id_type = 'NPI' and by_npi.identifier = incoming.billing_npi and incoming.claim_type not in ('professional', 'dme')
where incoming.superseded_by is null
