-- Grain: one row per source with several crosswalk versions: the oldest one, whose ids stay as they are.
create temp table oldest_crosswalk (source_id varchar, crosswalk varchar)
