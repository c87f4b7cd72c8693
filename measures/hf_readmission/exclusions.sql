-- Grain: one row per stay and rule that keeps it from being an index stay: all reasons, not the first.
-- Decides: R5 to R14 and R17 (barred_stay.sql); R15, and R16 (only an index stay opens a window), by index_window.sql.
-- Source: method.md, section 3.
select event_id, rule_id, claim_ids
from barred_stay
union all
select event_id, 'R15' as rule_id, claim_ids
from index_window
