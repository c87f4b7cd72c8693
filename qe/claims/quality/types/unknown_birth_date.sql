-- Grain: one row. Decides: of how many persons with live claims no file gives the birth date.
with with_claim as (
    select distinct person_id from claim where superseded_by is null and service_occurred
)
select '' as source_id, count(*) as denominator, count(*) filter (where person.birth_date is null) as failing
from with_claim
join person using (person_id)
