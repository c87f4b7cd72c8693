-- Grain: one row per native person id of the file.
insert into person_seen
select distinct $source_id, native_person_id
from incoming
