-- Grain: one row per list and code. Decides: the codes that count, for lists that name them exactly. Prefix lists are added after.
create or replace temp table value_set as
select distinct name, code, system
from listed_code
where match = 'exact'
