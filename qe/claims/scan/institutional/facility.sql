-- Grain: one row per CCN and organisation NPI of the file. Decides: which NPIs stand for which hospital.
insert into facility_seen
select facility_ccn, billing_npi, null, min(facility_code || service_code), count(distinct native_claim_id)
from incoming
where coalesce(facility_ccn, billing_npi) is not null
group by facility_ccn, billing_npi
