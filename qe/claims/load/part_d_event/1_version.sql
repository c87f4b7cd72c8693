-- Grain: one row per row of the file (working view). Decides: which row of an event that its own file repeats stands (place 1).
create or replace temp view event_version as
select *, row_number() over (partition by native_claim_id order by paid_date desc nulls last, row_number) as place
from incoming
