-- Grain: one row per person id of the file.
insert into person_seen
select distinct $source_id, person_id
from incoming
