-- Grain: one row per range of HCPCS codes and range of performance years that 42 CFR 425.400(c) prints as primary care services.
create or replace temp table attribution_code (
    code_low varchar,
    code_high varchar,
    year_from integer,
    year_to integer,
    place_rule varchar,
    source varchar
)
