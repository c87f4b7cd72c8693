-- Grain: one row per person of whom a source says one thing only (working view): most persons, for whom nothing is to choose.
create or replace temp view fact_stated_once as
select
    population, native_person_id, mbi, ssn, last_name, first_name, middle_name, birth_date, sex, zip5, surrogate_key,
    crossreference_key
from said
anti join not_stated_once using (population, native_person_id)
