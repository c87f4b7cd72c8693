-- Grain: one row per reversal (claim status 22) of another claim's line, by the claim it refers to.
create temp table reversal_seen (
    source_id varchar, native_claim_id varchar, line_number integer, version integer, paid_date date,
    delivery_order integer
)
