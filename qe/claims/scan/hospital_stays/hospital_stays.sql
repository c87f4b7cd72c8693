-- Grain: one row per hospital and span of days, as it was counted. Decides: a count of 0 tells nothing.
insert into hospital_stays
select distinct ccn, from_date, to_date, stays, counted_by
from incoming
where stays > 0 and to_date >= from_date
