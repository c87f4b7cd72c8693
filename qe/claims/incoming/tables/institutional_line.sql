-- Grain: one row per line of the line files of one folder, as they were delivered.
create or replace temp table line_row (
    row_number bigint,
    delivery_order integer,
    sent_order integer,
    delivery_id varchar,
    native_person_id varchar,
    native_claim_id varchar,
    claim_type varchar,
    thru_date date,
    line_number integer,
    revenue_code varchar,
    line_date date,
    hcpcs varchar,
    modifiers varchar[],
    units decimal(18, 4),
    line_charge_amount decimal(14, 2),
    line_paid_amount decimal(14, 2),
    line_noncovered_amount decimal(14, 2),
    line_deductible_amount decimal(14, 2),
    line_coinsurance_amount decimal(14, 2),
    rendering_npi varchar,
    ndc varchar
)
