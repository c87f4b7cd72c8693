-- Grain: one row per member and description of the file, as of the end of the last span in which it stood (an open one: its start).
insert into person_part
select
    $source_id, native_person_id, $payer_type, delivery_order, max(coalesce(end_date, start_date)), birth_date, max(death_date),
    try_cast(sex as integer), race, zip5, null, null
from incoming
group by native_person_id, delivery_order, birth_date, sex, race, zip5
