-- Grain: one row per source, native person id and known form of the person's identity, of the files of this run (working view).
create or replace temp view said as
select
    population.number as population, identity.native_person_id, identity.origin, delivery.sent_order, identity.valid_from,
    identity.valid_to, identity.mbi, identity.hicn, identity.ssn, identity.last_name, identity.first_name, identity.middle_name,
    identity.birth_date, identity.sex, identity.zip5, identity.surrogate_key, identity.crossreference_key
from vault.identity as identity
join delivery using (delivery_id, source_id)
join population using (source_id)
where identity.native_person_id is not null
