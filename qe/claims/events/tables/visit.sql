-- Grain: one row per line of a professional, FQHC or RHC claim, counted once across payers. group_id: the billing TIN at the service date.
create table visit (
    person_id varchar,
    service_date date,
    claim_id varchar,
    line_number integer,
    hcpcs varchar,
    modifiers varchar[],
    place_of_service varchar,
    rendering_npi varchar,
    specialty varchar,
    clinician_id varchar,
    group_id varchar,
    facility_id varchar,
    is_fqhc_rhc boolean,
    in_snf_stay boolean,
    payer_id varchar,
    payer_type varchar,
    allowed_amount decimal(14, 2),
    paid_amount decimal(14, 2),
    is_capitated boolean,
    repriced boolean
)
