-- Grain: one row per beneficiary and identity of the crosswalk file; its dates of validity say which one is the latest.
insert into vault.identity by name
select distinct
    $source_id as source_id, native_person_id, 'crosswalk' as origin, $delivery_id as delivery_id, mbi, hicn, last_name,
    first_name, middle_name, birth_date, try_cast(sex as integer) as sex, zip5, surrogate_key, crossreference_key, valid_from,
    valid_to
from incoming
where native_person_id is not null
