-- Grain: one row per rendering clinician of the lines.
insert into clinician_seen
select rendering_npi, null, null, count(distinct native_claim_id), min(coalesce(line_date, thru_date)), max(coalesce(line_date, thru_date))
from incoming
where rendering_npi is not null
group by rendering_npi
