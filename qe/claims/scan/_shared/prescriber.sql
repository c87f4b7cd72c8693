-- Grain: one row per prescriber of the file.
insert into clinician_seen
select prescriber_npi, null, null, count(*), min(fill_date), max(fill_date)
from incoming
where prescriber_npi is not null
group by prescriber_npi
