-- Grain: one row per source, crosswalk version and beneficiary id (working view): the facts that may be placeholders (qe/claims/link).
create or replace temp view stated as
select
    concat_ws(' ', version_order, source_id) as population, mbi, hicn, cast(null as varchar) as ssn, surrogate_key,
    cast(null as varchar) as crossreference_key, last_name, first_name, birth_date
from crosswalk_person
