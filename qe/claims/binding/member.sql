-- Grain: one row per beneficiary of the version being bound whom no older version has shown yet (working table).
create or replace temp table binding_member as
select crosswalk_person.*
from crosswalk_person
anti join bound_person using (source_id, crosswalk, native_person_id)
where crosswalk_person.source_id = $source_id and crosswalk_person.version_order = $version_order
