-- Grain: one row per claim and file it came in; delivery_order says which delivery the file belongs to.
create temp table claim_seen (source_id varchar, claim_kind varchar, native_claim_id varchar, delivery_order integer, sent_order integer)
