-- Grain: one row per member and person that may be one. Decides: name, ZIP and sex equal and the birth date nearly so: day and month
-- exchanged, or only one of day, month and year different. Right in two of three cases: for review, not for linking.
create or replace temp table link_candidate as
select link_member.group_id, link_pool.cluster_id, cast(null as varchar) as doubt
from link_member
join link_pool using (last_name, first_name, zip5, sex)
where coalesce(link_member.mbi = link_pool.mbi, true)
    and (
        (year(link_member.birth_date) = year(link_pool.birth_date) and month(link_member.birth_date) = day(link_pool.birth_date)
            and day(link_member.birth_date) = month(link_pool.birth_date))
        or cast(year(link_member.birth_date) <> year(link_pool.birth_date) as integer)
            + cast(month(link_member.birth_date) <> month(link_pool.birth_date) as integer)
            + cast(day(link_member.birth_date) <> day(link_pool.birth_date) as integer) <= 1
    )
