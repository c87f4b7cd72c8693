-- Grain: one row per dispensed prescription and file it came in; delivery_order says which delivery the file belongs to.
create temp table fill_seen (source_id varchar, native_fill_id varchar, delivery_order integer, sent_order integer)
