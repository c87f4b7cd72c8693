-- Grain: one row per source and native person id of this run (working view): the facts that may be placeholders.
create or replace temp view stated as
select
    population, mbi, cast(null as varchar) as hicn, ssn, surrogate_key, crossreference_key, last_name, first_name, birth_date
from party_row
