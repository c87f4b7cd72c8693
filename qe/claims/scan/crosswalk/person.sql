-- Grain: one row per beneficiary of the crosswalk file.
insert into person_seen
select distinct $source_id, native_person_id
from incoming
where native_person_id is not null
