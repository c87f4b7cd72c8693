-- Grain: one row per candidate pair. Decides: an id that was not encrypted anew is the same person when birth date and sex are the same
-- and no other identifier speaks against it: the same id may stand for somebody else in another version.
create or replace temp table binding_candidate as
select binding_member.native_person_id, binding_known.bound_id
from binding_member
join binding_known using (native_person_id, birth_date)
where not coalesce(binding_member.sex <> binding_known.sex, false)
    and not coalesce(binding_member.surrogate_key <> binding_known.surrogate_key, false)
    and (
        not coalesce(binding_member.mbi <> binding_known.mbi, false)
        or (binding_member.last_name = binding_known.last_name and binding_member.first_name = binding_known.first_name)
    )
