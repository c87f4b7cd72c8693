-- Grain: one row per member and identity of the file; the months in which it stood are its dates of validity.
insert into vault.identity by name
select
    $source_id as source_id, native_person_id, 'eligibility' as origin, $delivery_id as delivery_id, mbi, ssn, last_name,
    first_name, middle_name, birth_date, try_cast(sex as integer) as sex, zip5,
    min(make_date(cast(year as bigint), month, 1)) as valid_from, max(make_date(cast(year as bigint), month, 1)) as valid_to
from incoming
group by native_person_id, mbi, ssn, last_name, first_name, middle_name, birth_date, sex, zip5
