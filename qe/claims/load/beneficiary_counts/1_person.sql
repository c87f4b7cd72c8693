-- Grain: one row per beneficiary and year of the file.
insert into person_part
select
    $source_id, native_person_id, $payer_type, delivery_order, make_date(reference_year, 12, 31), birth_date, death_date,
    try_cast(sex as integer), race, zip5, null, null
from incoming
