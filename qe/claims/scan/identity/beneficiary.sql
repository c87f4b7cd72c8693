-- Grain: one row per beneficiary and identity of the file; the years in which it stood are its dates of validity.
insert into vault.identity by name
select
    $source_id as source_id, native_person_id, 'beneficiary' as origin, $delivery_id as delivery_id, mbi, hicn, last_name,
    first_name, middle_name, birth_date, try_cast(sex as integer) as sex, zip5,
    make_date(cast(min(reference_year) as bigint), 1, 1) as valid_from,
    make_date(cast(max(reference_year) as bigint), 12, 31) as valid_to
from incoming
group by native_person_id, mbi, hicn, last_name, first_name, middle_name, birth_date, sex, zip5
