-- Grain: one row per candidate pair. Decides: equal names, birth date and sex are the same person, unless ZIP or an identifier differ.
create or replace temp table binding_candidate as
select binding_member.native_person_id, binding_known.bound_id
from binding_member
join binding_known using (last_name, first_name, birth_date, sex)
where not coalesce(binding_member.zip5 <> binding_known.zip5, false)
    and not coalesce(binding_member.mbi <> binding_known.mbi, false)
    and not coalesce(binding_member.surrogate_key <> binding_known.surrogate_key, false)
