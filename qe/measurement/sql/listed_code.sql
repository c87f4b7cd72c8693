-- Grain: one row per list and code as its CSV writes it. match: exact, prefix, range_prefix.
create or replace temp table listed_code (
    name varchar,
    code varchar,
    system varchar,
    effective_from date,
    effective_to date,
    match varchar
)
