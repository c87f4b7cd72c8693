-- Grain: one row per NDC and span of days. ingredients in upper case; brand_generic B or G.
create table drug (
    ndc varchar,
    ingredients varchar[],
    brand_generic varchar,
    effective_from date,
    effective_to date
)
