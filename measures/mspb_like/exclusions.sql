-- Grain: one row per stay and rule that keeps it from opening an episode: all reasons, not the first.
-- Decides: R4 to R6 and R8 to R10 (barred_stay.sql); R7 by index_window.sql, in the version of 2013 only. Source: method.md, section 3.
select event_id, rule_id, claim_ids
from barred_stay
union all
select event_id, 'R7' as rule_id, claim_ids
from index_window
where $mspb_version = '2013'
