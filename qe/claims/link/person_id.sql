-- Grain: one row per cluster (working table). Decides: a person keeps the lowest id that its native ids had before (an id goes to one
-- cluster only); a new person gets the next number, in sorted (source_id, native_person_id) order.
create or replace temp table cluster_person as
with earlier as (
    select party.cluster_id, person_key.person_id, min((party.source_id, party.native_person_id)) as first_party
    from party
    join vault.person_key as person_key using (source_id, native_person_id)
    group by party.cluster_id, person_key.person_id
),
claimed as (
    select cluster_id, person_id, row_number() over (partition by person_id order by first_party) as claim_place
    from earlier
),
kept as (
    select cluster_id, min(person_id) as person_id
    from claimed
    where claim_place = 1
    group by cluster_id
),
cluster as (
    select cluster_id, min((source_id, native_person_id)) as first_party
    from party
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
