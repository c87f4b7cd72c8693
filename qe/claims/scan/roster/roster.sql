-- Grain: one row of the roster file.
insert into roster_row
select distinct npi, ccn, tin, group_tin, name, specialty, facility_type, role, zip5, county_fips, from_date, to_date
from incoming
