-- Grain: one row per identifier of a hospital and span of days, as it was counted. Decides: a count of 0 tells nothing.
insert into hospital_stays
select distinct upper(id_type), identifier, from_date, to_date, stays, counted_by
from incoming
where stays > 0 and to_date >= from_date
