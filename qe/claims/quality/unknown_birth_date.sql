-- Grain: one row. Value: share of persons with live claims whose birth date no file gives.
with with_claim as (
    select distinct person_id from claim where superseded_by is null and service_occurred
)
select
    cast(coalesce(count(*) filter (where person.birth_date is null) / nullif(count(*), 0), 0) as decimal(18, 6)) as value,
    count(*) filter (where person.birth_date is null) as affected
from with_claim
join person using (person_id)
