-- Grain: one row of the roster file. Decides: a row with a CCN describes a facility; one with a TIN, no group TIN and no specialty a group
-- (its NPI is the group's own); every other row a clinician.
insert into roster_row
select distinct
    npi, ccn, tin, group_tin, name, specialty, facility_type, role,
    case
        when ccn is not null then 'facility'
        when tin is not null and group_tin is null and specialty is null then 'group'
        else 'clinician'
    end,
    zip5, county_fips, from_date, to_date
from incoming
