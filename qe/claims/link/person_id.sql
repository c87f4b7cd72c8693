-- Grain: one row per cluster (working table). Decides: a person keeps the lowest id that its native ids had before (an id goes to one
-- cluster only); a new person gets the next number, in sorted (source_id, native_person_id) order, which is that of party_id.
create or replace temp table cluster_person as
with first_member as (
    select cluster_id, min(group_id) as party_id
    from link
    group by cluster_id
),
cluster as (                                       -- groups that are linked to no other; a group is known by its first party
    select party.party_id as cluster_id, least(party.party_id, first_member.party_id) as first_party
    from party
    left join first_member on first_member.cluster_id = party.party_id
    anti join link on link.group_id = party.party_id
    where party.party_id = party.group_id
),
earlier as (
    select cluster_id, earlier_person_id as person_id, min(party_id) as first_party
    from known_key
    group by cluster_id, earlier_person_id
),
claimed as (
    select person_id, arg_min(cluster_id, first_party) as cluster_id
    from earlier
    group by person_id
),
kept as (
    select cluster_id, min(person_id) as person_id
    from claimed
    group by cluster_id
),
fresh as (
    select
        cluster_id,
        (select coalesce(max(person_id), 0) from vault.person_key) + row_number() over (order by first_party) as person_id
    from cluster
    anti join kept using (cluster_id)
)
select cluster_id, person_id from kept
union all
select cluster_id, person_id from fresh
