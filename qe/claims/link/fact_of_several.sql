-- Grain: one row per person of whom a source says more than one thing (working table). Decides: of each fact the latest statement holds,
-- the crosswalk's before others'; a ZIP is the one that stood last.
create or replace temp table fact_of_several as
with known as (
    select
        said.*,
        row_number() over (
            partition by population, native_person_id
            order by (origin = 'crosswalk') desc, sent_order desc, valid_to desc nulls first, valid_from desc nulls last,
                mbi nulls last, last_name nulls last, first_name nulls last, birth_date nulls last, zip5 nulls last,
                sex nulls last, middle_name nulls last, hicn nulls last, ssn nulls last
        ) as place
    from said
    semi join not_stated_once using (population, native_person_id)
),
with_place as (
    select
        *,
        row_number() over (
            partition by population, native_person_id order by valid_to desc nulls last, sent_order desc, place
        ) as recency
    from known
)
select
    population, native_person_id,
    arg_min(mbi, place) filter (where nullif(trim(mbi), '') is not null) as mbi,
    arg_min(ssn, place) filter (where nullif(trim(ssn), '') is not null) as ssn,
    arg_min(last_name, place) filter (where plain_name(last_name) is not null) as last_name,
    arg_min(first_name, place) filter (where plain_name(first_name) is not null) as first_name,
    arg_min(middle_name, place) filter (where plain_name(middle_name) is not null) as middle_name,
    arg_min(birth_date, place) filter (where birth_date is not null) as birth_date,
    arg_min(sex, place) filter (where sex in (1, 2)) as sex,
    arg_min(zip5, recency) filter (where zip5 is not null) as zip5,
    arg_min(surrogate_key, place) filter (where surrogate_key is not null) as surrogate_key,
    arg_min(crossreference_key, place) filter (where crossreference_key is not null) as crossreference_key
from with_place
group by population, native_person_id
