-- Grain: one row per person of the file.
insert into person_part
select
    $source_id, person_id, $payer_type, delivery_order, date '0001-01-01', birth_date, death_date, try_cast(sex as integer), race,
    zip5, county_fips, entitlement_reason
from incoming
