-- Grain: one row per month of enrolment marked hospice (claim_id NULL) and per hospice claim that stands. Both days included.
create view hospice_span as
select person_id, month as first_day, last_day(month) as last_day, cast(null as varchar) as claim_id
from person_month
where hospice
union all
select person_id, from_date as first_day, coalesce(thru_date, from_date) as last_day, claim_id
from claim
where claim_type = 'hospice' and service_occurred and superseded_by is null and duplicate_of is null
