-- Grain: one row per diagnosis of a claim that was not superseded, with the claim's source.
select
    claim_diagnosis.*,
    claim.source_id,
    claim.facility_type,
    last_day.last_day
from claim_diagnosis
cross join (select max(end_date) as last_day from source_period) as last_day
left join claim using (claim_id)
where claim.superseded_by is null
