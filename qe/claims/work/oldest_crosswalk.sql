-- Grain: one row per source with crosswalks: the first one that the vault ever met, whose ids stay as they are.
create temp table oldest_crosswalk (source_id varchar, crosswalk varchar)
