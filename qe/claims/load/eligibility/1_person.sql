-- Grain: one row per member and month of the file.
insert into person_part
select
    $source_id, native_person_id, $payer_type, delivery_order, make_date(cast(year as bigint), month, 1), birth_date, null,
    try_cast(sex as integer), race, zip5, county_fips, null
from incoming
