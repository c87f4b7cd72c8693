-- Grain: one row per source, fact and number that more than one id of the source has (working table); persons counts the ids. Each fact is
-- grouped by itself: most have no number of most facts.
create or replace temp table shared_number as
select population, 'mbi' as fact, mbi as value, count(*) as persons
from stated
where mbi is not null
group by population, mbi
having count(*) > 1
union all
select population, 'hicn', hicn, count(*)
from stated
where hicn is not null
group by population, hicn
having count(*) > 1
union all
select population, 'ssn', ssn, count(*)
from stated
where ssn is not null
group by population, ssn
having count(*) > 1
union all
select population, 'surrogate_key', surrogate_key, count(*)
from stated
where surrogate_key is not null
group by population, surrogate_key
having count(*) > 1
union all
select population, 'crossreference_key', crossreference_key, count(*)
from stated
where crossreference_key is not null
group by population, crossreference_key
having count(*) > 1
