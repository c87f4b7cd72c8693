-- Grain: one row per source, crosswalk version and what became of its ids: bound by a method, renumbered (another id in an older version),
-- an id that stood for another person in an older version, or whose HICN is a placeholder.
create table crosswalk_binding as
select source_id, crosswalk, method as kind, count(*) as persons
from bound_person
group by source_id, crosswalk, method
union all
select one.source_id, one.crosswalk, 'renumbered', count(distinct one.native_person_id)
from bound_person as one
join bound_person as other
    on other.source_id = one.source_id and other.bound_id = one.bound_id and other.version_order < one.version_order
    and other.native_person_id <> one.native_person_id
group by one.source_id, one.crosswalk
union all
select one.source_id, one.crosswalk, 'same_id_other_person', count(distinct one.native_person_id)
from bound_person as one
join bound_person as other
    on other.source_id = one.source_id and other.native_person_id = one.native_person_id
    and other.version_order < one.version_order and other.bound_id <> one.bound_id
group by one.source_id, one.crosswalk
union all
select version.source_id, version.crosswalk, 'hicn_placeholder', cast(sum(placeholder.persons) as bigint)
from placeholder
join (select distinct source_id, crosswalk, version_order from crosswalk_person) as version
    on concat_ws(' ', version.version_order, version.source_id) = placeholder.population
where placeholder.fact = 'hicn'                                  -- the other facts are told by the linkage
group by version.source_id, version.crosswalk
order by all
