-- Grain: one row per pair for review, by native ids: what an analyst decides on. Written anew by each run.
insert into vault.link_review
select distinct member.source_id, member.native_person_id, person.source_id, person.native_person_id, link_review.reason
from link_review
join party as member on member.party_id = link_review.group_id
join party as person on person.party_id = link_review.cluster_id
where member.cluster_id <> link_review.cluster_id
