-- Grain: one row per clinician, specialty and TIN of the file.
insert into clinician_seen
select
    rendering_npi, rendering_specialty, rendering_tin, count(*),
    min(coalesce(line_from_date, from_date)), max(coalesce(line_thru_date, thru_date))
from incoming
where rendering_npi is not null or rendering_tin is not null
group by rendering_npi, rendering_specialty, rendering_tin
