-- Grain: one row per source, crosswalk version and beneficiary id: whose it is, and what showed it.
insert into vault.beneficiary_binding
select source_id, crosswalk, native_person_id, bound_id, method
from bound_person
