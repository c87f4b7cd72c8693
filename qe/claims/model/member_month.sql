-- Grain: one row per person, month and product of a payer. month is its first day; medical and pharmacy say what our sources can observe.
create table member_month (
    person_id varchar,
    month date,
    payer_id varchar,
    payer_type varchar,
    part_a boolean,
    part_b boolean,
    part_d boolean,
    managed_care boolean,
    medical boolean,
    pharmacy boolean,
    hospice boolean,
    esrd boolean,
    dual boolean,
    is_primary boolean,
    product varchar,
    covered_from date,
    covered_to date
)
