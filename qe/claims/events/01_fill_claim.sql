-- Grain: one claim. Decides: what the engine fills in when a model given as files leaves it out: status, service_occurred, facility type.
update claim
set paid_status = coalesce(claim.paid_status, 'paid'),
    service_occurred = coalesce(
        claim.service_occurred, coalesce(claim.paid_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
    ),
    facility_type = coalesce(
        claim.facility_type,
        (select min(facility_type) from provider_identifier where provider_identifier.unit_id = claim.facility_id),
        ccn_facility_type(claim.facility_id),
        case when claim.claim_type = 'inpatient' then 'short_term' when claim.claim_type = 'snf' then 'snf' end
    ),
    payer_type = coalesce(
        claim.payer_type,
        (select min(payer_type) from member_month where member_month.payer_id = claim.payer_id and member_month.medical)
    )
where claim.paid_status is null or claim.service_occurred is null or claim.facility_type is null or claim.payer_type is null
