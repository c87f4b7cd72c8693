-- Grain: one row per member and description of the file (birth date, sex, place), as of the last month in which it stood.
insert into person_part
select
    $source_id, native_person_id, $payer_type, delivery_order, max(make_date(cast(year as bigint), month, 1)), birth_date, null,
    try_cast(sex as integer), race, zip5, county_fips, null
from incoming
group by native_person_id, delivery_order, birth_date, sex, race, zip5, county_fips
