-- Grain: one row per id of the oldest crosswalk of a source that the vault meets for the first time. Decides: its persons keep their ids.
insert into bound_person
select source_id, crosswalk, version_order, native_person_id, native_person_id, 'oldest'
from crosswalk_person
where source_id = $source_id and version_order = 1
    and not exists (select 1 from vault.beneficiary_binding as binding where binding.source_id = crosswalk_person.source_id)
