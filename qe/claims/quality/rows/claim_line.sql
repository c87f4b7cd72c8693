-- Grain: one row per claim line that was not superseded, with its claim's source and that source's period.
select
    claim_line.*,
    claim.source_id,
    claim.payer_type,
    source_period.start_date as source_start,
    source_period.end_date as source_end,
    last_day.last_day
from claim_line
cross join (select max(end_date) as last_day from source_period) as last_day
left join claim using (claim_id)
left join source_period on source_period.source_id = claim.source_id
where claim_line.superseded_by is null
