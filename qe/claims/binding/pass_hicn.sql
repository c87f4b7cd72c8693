-- Grain: one row per candidate pair. Decides: the same HICN and birth date are the same person.
create or replace temp table binding_candidate as
select binding_member.native_person_id, binding_known.bound_id
from binding_member
join binding_known using (hicn, birth_date)
