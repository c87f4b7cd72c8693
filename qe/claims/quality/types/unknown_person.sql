-- Grain: one row. Decides: how many live claims are of a person who has no member month in any source.
with known as (
    select distinct person_id from member_month
)
select '' as source_id, count(*) as denominator, count(*) filter (where known.person_id is null) as failing
from claim
left join known using (person_id)
where claim.superseded_by is null and claim.service_occurred
