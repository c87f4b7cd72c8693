-- Grain: one row per source and native person id: what is known of the person, the latest statement of each fact (working table).
-- population is the order in which sources are linked: Medicare first, then by source_id. cluster_id is NULL until linked.
create or replace temp table party as
with known as (
    select
        identity.*,
        row_number() over (
            partition by identity.source_id, identity.native_person_id
            order by (identity.origin = 'crosswalk') desc, delivery.delivery_order desc, identity.valid_to desc nulls first,
                identity.valid_from desc nulls last, identity.mbi nulls last, identity.last_name nulls last,
                identity.first_name nulls last, identity.birth_date nulls last, identity.zip5 nulls last, identity.sex nulls last,
                identity.middle_name nulls last, identity.hicn nulls last, identity.ssn nulls last
        ) as place,
        delivery.delivery_order, identity.valid_to as stood_until
    from vault.identity as identity
    join delivery using (delivery_id, source_id)
),
with_place as (
    select
        *,
        row_number() over (
            partition by source_id, native_person_id order by stood_until desc nulls last, delivery_order desc, place
        ) as recency
    from known
),
fact as (
    select
        source_id, native_person_id,
        arg_min(upper(trim(mbi)), place) filter (where nullif(trim(mbi), '') is not null) as mbi,
        arg_min(ssn, place) filter (where nullif(trim(ssn), '') is not null) as ssn,
        arg_min(plain_name(last_name), place) filter (where plain_name(last_name) is not null) as last_name,
        arg_min(plain_name(first_name), place) filter (where plain_name(first_name) is not null) as first_name,
        arg_min(birth_date, place) filter (where birth_date is not null) as birth_date,
        arg_min(sex, place) filter (where sex in (1, 2)) as sex,
        arg_min(zip5, recency) filter (where zip5 is not null) as zip5,
        arg_min(surrogate_key, place) filter (where surrogate_key is not null) as surrogate_key,
        arg_min(crossreference_key, place) filter (where crossreference_key is not null) as crossreference_key
    from with_place
    group by source_id, native_person_id
),
member as (
    select distinct source_id, native_person_id from person_seen
)
select
    row_number() over (order by population.number, member.native_person_id) as party_id,
    row_number() over (order by population.number, member.native_person_id) as group_id,
    cast(null as bigint) as cluster_id,
    cast(null as varchar) as link_method,
    population.number as population,
    population.is_medicare,
    member.source_id, member.native_person_id, fact.mbi, fact.ssn, fact.last_name, fact.first_name, fact.birth_date, fact.sex,
    fact.zip5, fact.surrogate_key, fact.crossreference_key
from member
join population using (source_id)
left join fact using (source_id, native_person_id)
