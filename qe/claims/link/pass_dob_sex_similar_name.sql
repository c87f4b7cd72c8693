-- Grain: one row per member and person that may be one. Decides: birth date and sex equal, and of last name, first name and ZIP one equal;
-- first and last name each equal or similar (Jaro-Winkler above 0.85, or one begins with the other), the first names with the same first
-- letter, so that twins stay two; MBIs and middle initials not contrary.
create or replace temp table link_candidate as
with alike as (
    select
        link_member.group_id, link_pool.cluster_id, link_member.last_name, link_member.first_name,
        link_pool.last_name as other_last_name, link_pool.first_name as other_first_name, link_member.mbi,
        link_pool.mbi as other_mbi, link_member.middle_initial, link_pool.middle_initial as other_middle_initial
    from link_member
    join link_pool using (birth_date, sex, zip5)
    union all
    select
        link_member.group_id, link_pool.cluster_id, link_member.last_name, link_member.first_name, link_pool.last_name,
        link_pool.first_name, link_member.mbi, link_pool.mbi, link_member.middle_initial, link_pool.middle_initial
    from link_member
    join link_pool using (birth_date, sex, last_name)
    union all
    select
        link_member.group_id, link_pool.cluster_id, link_member.last_name, link_member.first_name, link_pool.last_name,
        link_pool.first_name, link_member.mbi, link_pool.mbi, link_member.middle_initial, link_pool.middle_initial
    from link_member
    join link_pool using (birth_date, sex, first_name)
),
uncontradicted as (
    select distinct group_id, cluster_id, last_name, first_name, other_last_name, other_first_name
    from alike
    where coalesce(mbi = other_mbi, true) and coalesce(middle_initial = other_middle_initial, true)
),
named as (
    select
        uncontradicted.group_id, uncontradicted.cluster_id, last_name.name as last_name, first_name.name as first_name,
        other_last_name.name as other_last_name, other_first_name.name as other_first_name
    from uncontradicted
    join name as last_name on last_name.number = uncontradicted.last_name
    join name as first_name on first_name.number = uncontradicted.first_name
    join name as other_last_name on other_last_name.number = uncontradicted.other_last_name
    join name as other_first_name on other_first_name.number = uncontradicted.other_first_name
)
select group_id, cluster_id, cast(null as varchar) as doubt
from named
where starts_with(other_first_name, left(first_name, 1))   -- not as an equality, by which DuckDB would join all names to all names
    and (jaro_winkler_similarity(first_name, other_first_name) > 0.85
        or starts_with(first_name, other_first_name) or starts_with(other_first_name, first_name))
    and (jaro_winkler_similarity(last_name, other_last_name) > 0.85
        or starts_with(last_name, other_last_name) or starts_with(other_last_name, last_name))
