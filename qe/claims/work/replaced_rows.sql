-- Grain: one row per file that a later delivery replaces: its accepted rows, none of which is loaded.
create temp table replaced_rows (delivery_id varchar, source_id varchar, rows bigint)
