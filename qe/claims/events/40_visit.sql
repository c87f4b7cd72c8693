-- Grain: one row per line of a professional, FQHC (bill type 73, 77) or RHC (71) claim. Decides: specialty (the line's two-character code,
-- else the clinician's), the group of the service date (the billing TIN, else the only group the clinician then belonged to). A health
-- centre whose TIN the roster tells is one unit for all payers: it bills for itself, whoever attends. An open nursing stay lasts to its
-- last bill.
-- An identifier stands for itself only in a model without providers (files given to `qe measures compute`); a site has units.
insert into visit
with identifiers as (
    select not exists (select 1 from provider) as are_units
),
known_centre as (                                                 -- facilities whose TIN the roster tells
    select distinct unit_id from provider_identifier where id_type = 'TIN' and facility_type is not null
),
snf_stay as (
    select stay.person_id, stay.admit_date, coalesce(stay.discharge_date, last_bill.thru_date, stay.admit_date) as discharge_date
    from stay
    left join claim as last_bill on last_bill.claim_id = stay.stay_id
    where stay.facility_type = 'snf'
),
line as (
    select
        claim.person_id, coalesce(claim_line.from_date, claim.from_date) as service_date, claim.claim_id, claim_line.line_number,
        claim_line.hcpcs, claim_line.modifiers, claim_line.place_of_service,
        coalesce(claim_line.rendering_npi, claim.attending_npi) as rendering_npi, claim_line.rendering_specialty,
        case
            when claim.claim_type = 'professional' or known_centre.unit_id is null
                then coalesce(claim_line.rendering_tin, claim.billing_tin)
        end as group_tin,
        claim.claim_type <> 'professional' and known_centre.unit_id is not null as bills_for_itself,
        claim.facility_id, claim.claim_type = 'outpatient' or coalesce(claim_line.place_of_service in ('50', '72'), false) as is_fqhc_rhc,
        claim.payer_id, claim.payer_type, claim_line.allowed_amount, claim_line.paid_amount,
        coalesce(claim.payment_arrangement in ('01', '06'), false) as is_capitated, coalesce(claim_line.repriced, false) as repriced
    from claim
    join claim_line using (claim_id)
    left join known_centre on known_centre.unit_id = claim.facility_id
    where claim.service_occurred and claim.superseded_by is null and claim.duplicate_of is null
        and coalesce(claim_line.line_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
        and (claim.claim_type = 'professional'
            or (claim.claim_type = 'outpatient' and substr(claim.bill_type, 1, 2) in ('71', '73', '77')))
),
member_of as (
    select
        line.claim_id, line.line_number,
        case when count(distinct affiliation.group_unit_id) = 1 then min(affiliation.group_unit_id) end as group_id
    from line
    join affiliation
        on affiliation.npi = line.rendering_npi and affiliation.source = 'roster'
        and coalesce(affiliation.from_date <= line.service_date, true)
        and coalesce(affiliation.to_date >= line.service_date, true)
    where line.group_tin is null and not line.bills_for_itself
    group by line.claim_id, line.line_number
),
clinician_specialty as (
    select unit_id, min(specialty) as specialty
    from provider
    where id_type = 'NPI' and coalesce(is_individual, true)
    group by unit_id
),
in_snf as (
    select distinct line.claim_id, line.line_number
    from line
    join snf_stay
        on snf_stay.person_id = line.person_id and line.service_date between snf_stay.admit_date and snf_stay.discharge_date
)
select
    line.person_id, line.service_date, line.claim_id, line.line_number, line.hcpcs, line.modifiers, line.place_of_service,
    line.rendering_npi,
    coalesce(case when length(line.rendering_specialty) = 2 then line.rendering_specialty end, clinician_specialty.specialty),
    coalesce(clinician.unit_id, case when identifiers.are_units then line.rendering_npi end),
    coalesce(billing_group.unit_id, case when identifiers.are_units then line.group_tin end, member_of.group_id),
    line.facility_id, line.is_fqhc_rhc, in_snf.claim_id is not null, line.payer_id, line.payer_type, line.allowed_amount,
    line.paid_amount, line.is_capitated, line.repriced
from line
cross join identifiers
left join identifier_unit as clinician on clinician.id_type = 'NPI' and clinician.identifier = line.rendering_npi
left join identifier_unit as billing_group on billing_group.id_type = 'TIN' and billing_group.identifier = line.group_tin
left join member_of on member_of.claim_id = line.claim_id and member_of.line_number = line.line_number
left join clinician_specialty on clinician_specialty.unit_id = clinician.unit_id
left join in_snf on in_snf.claim_id = line.claim_id and in_snf.line_number = line.line_number
