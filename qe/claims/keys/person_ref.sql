-- Grain: one row per source and native person id: the surrogate person_id of the claims model.
create temp table person_ref as
select source_id, native_person_id, cast(person_id as varchar) as person_id
from vault.person_key
