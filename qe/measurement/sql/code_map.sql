-- Grain: one row per map, code, category and span of days.
create or replace temp table code_map (
    name varchar,
    code varchar,
    category varchar,
    system varchar,
    effective_from date,
    effective_to date
)
