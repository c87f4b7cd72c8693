-- Grain: one row per delivery and fate of its accepted rows. Rows are conserved: every accepted row has exactly one fate.
create temp table row_fate (delivery_id varchar, source_id varchar, fate varchar, rows bigint)
