-- Grain: one row per source, kind and name (working table). Decides: how many of a source's ids have a fact that is a placeholder or an
-- identity that is nobody's (left_out), and how many of its persons a pass left alone because too many fitted (crowded).
create or replace temp table left_out as
select population.source_id, 'left_out' as kind, placeholder.fact as name, cast(sum(placeholder.persons) as bigint) as persons
from placeholder
join population on population.number = placeholder.population
group by population.source_id, placeholder.fact
union all
select party.source_id, 'left_out', 'same_source', count(distinct party.party_id)
from same_name
join party using (party_id)
where same_name.is_shared
group by party.source_id
union all
select party.source_id, 'crowded', link_crowded.link_method, count(distinct party.group_id)
from link_crowded
join party on party.party_id = link_crowded.group_id
group by party.source_id, link_crowded.link_method
