-- Grain: one row per clinician, specialty and TIN of the file.
insert into clinician_seen
select rendering_npi, rendering_specialty, rendering_tin, count(*), min(from_date), max(from_date)
from incoming
where rendering_npi is not null or rendering_tin is not null
group by rendering_npi, rendering_specialty, rendering_tin
