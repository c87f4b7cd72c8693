-- Grain: one row per id of a person whom the version being bound has not met yet (working table), with what was last said: of the persons of
-- the older versions of this run, and of those whom the vault knows from crosswalks that are no longer delivered.
create or replace temp table binding_known as
with older as (
    select
        bound_person.bound_id, crosswalk_person.native_person_id, crosswalk_person.mbi, crosswalk_person.hicn,
        crosswalk_person.surrogate_key, crosswalk_person.last_name, crosswalk_person.first_name, crosswalk_person.birth_date,
        crosswalk_person.sex, crosswalk_person.zip5,
        row_number() over (
            partition by bound_person.bound_id order by crosswalk_person.version_order desc, crosswalk_person.native_person_id
        ) as place
    from bound_person
    join crosswalk_person using (source_id, crosswalk, native_person_id)
    where bound_person.source_id = $source_id and bound_person.version_order < $version_order
),
stated as (
    select
        identity.*,
        row_number() over (
            partition by identity.native_person_id
            order by identity.valid_to desc nulls first, identity.valid_from desc nulls last, identity.delivery_id, identity.mbi,
                identity.last_name, identity.first_name, identity.birth_date, identity.zip5
        ) as place
    from vault.identity as identity
    where identity.source_id = $source_id and identity.origin = 'crosswalk'
        and exists (select 1 from vault.beneficiary_binding as binding where binding.source_id = identity.source_id)
),
remembered as (
    select
        stated.native_person_id as bound_id, coalesce(binding.native_person_id, stated.native_person_id) as native_person_id,
        nullif(upper(trim(stated.mbi)), '') as mbi, nullif(upper(trim(stated.hicn)), '') as hicn,
        nullif(trim(stated.surrogate_key), '') as surrogate_key, plain_name(stated.last_name) as last_name,
        plain_name(stated.first_name) as first_name, stated.birth_date, stated.sex, stated.zip5
    from stated
    left join (
        select distinct bound_id, native_person_id from vault.beneficiary_binding where source_id = $source_id
    ) as binding on binding.bound_id = stated.native_person_id
    anti join older on older.bound_id = stated.native_person_id
    where stated.place = 1
),
known as (
    select * exclude (place) from older where place = 1
    union all by name
    select * from remembered
)
select known.*
from known
anti join (
    select bound_id from bound_person where source_id = $source_id and version_order = $version_order
) as met using (bound_id)
