-- Grain: one id of a crosswalk version of this run. Decides: what it is bound to is written anew; what earlier crosswalks bound is kept.
delete from vault.beneficiary_binding
where (source_id, crosswalk, native_person_id) in (select (source_id, crosswalk, native_person_id) from bound_person)
