-- Grain: one row per cluster (working table). Decides: a person keeps the lowest id that its native ids had before (an id goes to one
-- cluster only); a new person gets the next number, in sorted (source_id, native_person_id) order, which is that of party_id.
create or replace temp table cluster_person as
with clustered as (
    select party.party_id, coalesce(link.cluster_id, party.group_id) as cluster_id, party.source_id, party.native_person_id
    from party
    left join link using (group_id)
),
cluster as (
    select cluster_id, min(party_id) as first_party
    from clustered
    group by cluster_id
),
earlier as (
    select clustered.cluster_id, person_key.person_id, min(clustered.party_id) as first_party
    from clustered
    join vault.person_key as person_key using (source_id, native_person_id)
    group by clustered.cluster_id, person_key.person_id
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
