-- Grain: one row per clinician, group and source. Decides: who belongs to which group when; the roster's spans, and what claims show.
insert into affiliation
select distinct roster_row.npi, unit_key.unit_id, roster_row.from_date, roster_row.to_date, 'roster'
from roster_row
join vault.unit_key as unit_key on unit_key.id_type = 'TIN' and unit_key.identifier = coalesce(roster_row.group_tin, roster_row.tin)
where roster_row.npi is not null and roster_row.describes = 'clinician'
union all
select clinician_seen.npi, unit_key.unit_id, min(clinician_seen.first_date), max(clinician_seen.last_date), 'claims'
from clinician_seen
join vault.unit_key as unit_key on unit_key.id_type = 'TIN' and unit_key.identifier = clinician_seen.tin
where clinician_seen.npi is not null
group by clinician_seen.npi, unit_key.unit_id
