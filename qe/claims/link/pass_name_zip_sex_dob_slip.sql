-- Grain: one row per member and person that may be one. Decides: name, ZIP and sex equal, and the birth date a slip of the pen away: day
-- and month exchanged, the year one or ten off (not a generation), or one digit of the day or month; MBIs and middle initials not contrary.
create or replace temp table link_candidate as
select link_member.group_id, link_pool.cluster_id, cast(null as varchar) as doubt
from link_member
join link_pool using (last_name, first_name, zip5, sex)
where coalesce(link_member.mbi = link_pool.mbi, true)
    and coalesce(link_member.middle_initial = link_pool.middle_initial, true)
    and (
        (year(link_member.birth_date) = year(link_pool.birth_date) and month(link_member.birth_date) = day(link_pool.birth_date)
            and day(link_member.birth_date) = month(link_pool.birth_date))
        or (strftime(link_member.birth_date, '%m%d') = strftime(link_pool.birth_date, '%m%d')
            and abs(year(link_member.birth_date) - year(link_pool.birth_date)) in (1, 10))
        or (year(link_member.birth_date) = year(link_pool.birth_date)
            and hamming(strftime(link_member.birth_date, '%m%d'), strftime(link_pool.birth_date, '%m%d')) = 1)
    )
