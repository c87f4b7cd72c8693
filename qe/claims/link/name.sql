-- Grain: one row per name as it is compared (working table). Its number says nothing but which names are equal.
create or replace temp table name as
with spelt as (
    select distinct name
    from spelling
    where name is not null
)
select cast(row_number() over () as integer) as number, name
from spelt
