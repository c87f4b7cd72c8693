-- Grain: one row per beneficiary of the version that no older one knows. Decides: the id is this version's own, whatever it stood for before.
insert into bound_person
select source_id, crosswalk, version_order, native_person_id, native_person_id || '@' || crosswalk, 'new'
from binding_member
