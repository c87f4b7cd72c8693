-- Grain: one row per clinician, specialty and TIN of the file. Suppliers of equipment are none.
insert into clinician_seen
select
    rendering_npi, rendering_specialty, rendering_tin, count(*),
    min(coalesce(line_from_date, from_date)), max(coalesce(line_thru_date, thru_date))
from incoming
where claim_type <> 'dme' and (rendering_npi is not null or rendering_tin is not null)
group by rendering_npi, rendering_specialty, rendering_tin
