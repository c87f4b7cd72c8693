-- Grain: one row per source, kind (method, review, two_ids, left_out, crowded) and name: how many of the source's persons.
with person as (                                  -- the first id of each person within a source
    select party.population, coalesce(link.link_method, 'own') as link_method
    from party
    left join link using (group_id)
    where party.party_id = party.group_id
),
by_method as (
    select population, link_method, count(*) as persons
    from person
    group by population, link_method
)
select population.source_id, 'method' as kind, by_method.link_method as name, by_method.persons
from by_method
join population on population.number = by_method.population
union all
select party.source_id, 'review', pair_for_review.reason, count(distinct pair_for_review.group_id)
from pair_for_review
join party on party.party_id = pair_for_review.group_id
group by party.source_id, pair_for_review.reason
union all
select source_id, 'two_ids', 'same_person', count(*)
from party
where party_id <> group_id
group by source_id
union all
select source_id, kind, name, persons
from left_out
order by 1, 2, 3
