-- Grain: one row per source and native person id of this run that has no key, or lost it to be written anew.
insert into vault.person_key
select source_id, native_person_id, person_id, link_method
from key_now
anti join vault.person_key using (source_id, native_person_id)
