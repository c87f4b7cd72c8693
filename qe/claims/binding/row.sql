-- Grain: one row per beneficiary id of a crosswalk file: what it last says of the person.
insert into crosswalk_row
with placed as (
    select
        *,
        row_number() over (
            partition by native_person_id
            order by valid_to desc nulls first, valid_from desc nulls last, mbi nulls last, last_name nulls last,
                first_name nulls last, birth_date nulls last, zip5 nulls last, row_number
        ) as place
    from staged.staged_row
    where native_person_id is not null
)
select
    $source_id, $crosswalk, $version_order, $sent_order, native_person_id, nullif(upper(trim(mbi)), ''),
    nullif(upper(trim(hicn)), ''), nullif(trim(surrogate_key), ''), plain_name(last_name), plain_name(first_name), birth_date,
    try_cast(sex as integer), zip5, valid_from, valid_to
from placed
where place = 1
