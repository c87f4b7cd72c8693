-- Grain: one row per file and organisation that billed durable medical equipment in it.
create temp table supplier_seen (npi varchar, lines bigint)
