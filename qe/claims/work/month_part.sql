-- Grain: one row per native person id, month, product and delivery; the latest delivery wins.
create temp table month_part (
    source_id varchar, native_person_id varchar, delivery_order integer, sequence varchar, month date,
    payer_id varchar, payer_type varchar, part_a boolean, part_b boolean, part_d boolean, managed_care boolean,
    medical boolean, pharmacy boolean, esrd boolean, dual boolean, is_primary boolean, product varchar,
    covered_from date, covered_to date, hospice boolean
)
