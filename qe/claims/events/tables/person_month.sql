-- Grain: one row per person and month, counted once across payers. payer_type is that of the primary medical product.
-- medical, pharmacy: what our sources can observe; hospital: that some payer's hospital claims are among it; is_ffs: Medicare A and B without managed care.
create table person_month (
    person_id varchar,
    month date,
    payer_id varchar,
    payer_type varchar,
    medical boolean,
    pharmacy boolean,
    hospital boolean,
    is_ffs boolean,
    part_a boolean,
    part_b boolean,
    part_d boolean,
    managed_care boolean,
    hospice boolean,
    esrd boolean,
    dual boolean
)
