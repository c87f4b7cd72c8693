-- Grain: one row per source, kind (method, review) and name: how many of the source's persons.
select source_id, 'method' as kind, link_method as name, count(distinct group_id) as persons
from party
group by source_id, link_method
union all
select party.source_id, 'review', link_review.reason, count(distinct link_review.group_id)
from link_review
join party on party.party_id = link_review.group_id
group by party.source_id, link_review.reason
union all
select source_id, 'two_ids', 'same_person', count(*) - count(distinct group_id)
from party
group by source_id
having count(*) > count(distinct group_id)
order by 1, 2, 3
