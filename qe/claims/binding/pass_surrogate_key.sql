-- Grain: one row per candidate pair. Decides: the same surrogate key is the same person, unless birth date and first name both differ.
create or replace temp table binding_candidate as
select binding_member.native_person_id, binding_known.bound_id
from binding_member
join binding_known using (surrogate_key)
where not (
    coalesce(binding_member.birth_date <> binding_known.birth_date, false)
    and coalesce(binding_member.first_name <> binding_known.first_name, false)
)
