-- Grain: one row per member and identity of the file; the spans in which it stood are its dates of validity.
insert into vault.identity by name
select
    $source_id as source_id, native_person_id, 'eligibility' as origin, $delivery_id as delivery_id, mbi, ssn, last_name,
    first_name, middle_name, birth_date, try_cast(sex as integer) as sex, zip5, min(start_date) as valid_from,
    case when bool_or(end_date is null) then null else max(end_date) end as valid_to
from incoming
group by native_person_id, mbi, ssn, last_name, first_name, middle_name, birth_date, sex, zip5
