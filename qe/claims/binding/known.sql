-- Grain: one row per person of the older versions that the version being bound has not met yet (working table): what was last said.
create or replace temp table binding_known as
with said as (
    select
        bound_person.bound_id, crosswalk_person.*,
        row_number() over (
            partition by bound_person.bound_id order by crosswalk_person.version_order desc, crosswalk_person.native_person_id
        ) as place
    from bound_person
    join crosswalk_person using (source_id, crosswalk, native_person_id)
    where bound_person.source_id = $source_id and bound_person.version_order < $version_order
)
select said.*
from said
anti join (
    select bound_id from bound_person where source_id = $source_id and version_order = $version_order
) as met using (bound_id)
where said.place = 1
