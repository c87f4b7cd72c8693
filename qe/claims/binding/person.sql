-- Grain: one row per source, crosswalk version and beneficiary id in it. Decides: of several files of one delivery the latest statement holds.
insert into crosswalk_person
with placed as (
    select
        *,
        row_number() over (
            partition by source_id, crosswalk, native_person_id
            order by valid_to desc nulls first, valid_from desc nulls last, sent_order desc
        ) as place
    from crosswalk_row
)
select
    source_id, crosswalk, version_order, native_person_id, mbi, hicn, surrogate_key, last_name, first_name, birth_date, sex, zip5
from placed
where place = 1
