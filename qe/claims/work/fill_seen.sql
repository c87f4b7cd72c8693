-- Grain: one row per dispensed prescription and delivery it came in.
create temp table fill_seen (source_id varchar, native_fill_id varchar, delivery_order integer)
