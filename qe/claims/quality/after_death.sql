-- Grain: one row. Value: share of live claims that begin more than a month after the person's death.
with live as (
    select claim.claim_id, claim.from_date > person.death_date + 31 as is_after_death
    from claim
    join person using (person_id)
    where claim.superseded_by is null and claim.service_occurred
)
select
    cast(coalesce(count(*) filter (where is_after_death) / nullif(count(*), 0), 0) as decimal(18, 6)) as value,
    count(*) filter (where is_after_death) as affected
from live
