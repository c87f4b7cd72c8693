-- Grain: one row per hospital and span of days, as it was counted. A count of 0 and days that end before they begin are in quarantine.
insert into hospital_stays
select distinct ccn, from_date, to_date, stays, counted_by
from incoming
