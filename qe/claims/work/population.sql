-- Grain: one row per source with persons: the order in which sources are linked, Medicare first.
create temp table population (source_id varchar, number integer, is_medicare boolean)
