-- Grain: one row per fill that stands: not denied, reversed or void, counted once across payers. ingredients in upper case, sorted.
create table fill (
    fill_id varchar,
    person_id varchar,
    payer_id varchar,
    payer_type varchar,
    fill_date date,
    ndc varchar,
    ingredients varchar[],
    is_mapped boolean,
    days_supply integer,
    quantity decimal(14, 3),
    brand_generic varchar,
    prescriber_id varchar,
    allowed_amount decimal(14, 2),
    paid_amount decimal(14, 2)
)
