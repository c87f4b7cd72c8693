-- Grain: one row per spelling of a first or last name in this run's identities (working table). Decides: spellings that differ only in
-- case, accents, marks or suffix are one name, and have one number (of name.sql).
create or replace temp table spelling as
with written as (
    select last_name as spelling from said
    union
    select first_name from said
)
select spelling, plain_name(spelling) as name
from written
