-- Grain: one row per CMS specialty that takes part in attribution. role: primary_physician, non_physician, specialist.
create or replace temp table attribution_specialty (
    specialty varchar,
    role varchar,
    label varchar,
    source varchar
)
