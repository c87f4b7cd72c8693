-- Grain: one row per id of a crosswalk version that an earlier run bound. Decides: what was bound stays so, but for an id that a file sent
-- anew under the same name gives to somebody else: to another surrogate key, or to another name and another birth date or sex, than the
-- vault knows of the person.
insert into bound_person
with stated as (
    select
        native_person_id as bound_id,
        list(distinct nullif(trim(surrogate_key), '')) filter (where nullif(trim(surrogate_key), '') is not null) as surrogate_keys,
        list(distinct birth_date) filter (where birth_date is not null) as birth_dates,
        list(distinct sex) filter (where sex in (1, 2)) as sexes,
        list(distinct concat_ws(' ', plain_name(last_name), plain_name(first_name))) as names
    from vault.identity
    where source_id = $source_id and origin = 'crosswalk'
    group by native_person_id
),
judged as (
    select
        crosswalk_person.*, binding.bound_id, binding.method,
        not coalesce(list_contains(stated.surrogate_keys, crosswalk_person.surrogate_key), true) as has_other_key,
        not coalesce(list_contains(stated.names, concat_ws(' ', crosswalk_person.last_name, crosswalk_person.first_name)), true)
            as has_other_name,
        not coalesce(list_contains(stated.birth_dates, crosswalk_person.birth_date), true) as has_other_date,
        not coalesce(list_contains(stated.sexes, nullif(crosswalk_person.sex, 0)), true) as has_other_sex
    from crosswalk_person
    join vault.beneficiary_binding as binding using (source_id, crosswalk, native_person_id)
    left join stated using (bound_id)
    where crosswalk_person.source_id = $source_id and crosswalk_person.version_order = $version_order
)
select source_id, crosswalk, version_order, native_person_id, bound_id, method
from judged
where not has_other_key and not (has_other_name and (has_other_date or has_other_sex))
