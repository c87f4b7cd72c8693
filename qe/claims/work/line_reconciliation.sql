-- Grain: one row per file of carrier or DME claims: claims, and those whose header payment is not the sum of their lines.
create table line_reconciliation (delivery_id varchar, source_id varchar, claims bigint, unequal bigint)
