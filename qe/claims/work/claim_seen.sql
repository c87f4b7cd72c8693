-- Grain: one row per claim and delivery it came in.
create temp table claim_seen (source_id varchar, claim_kind varchar, native_claim_id varchar, delivery_order integer)
