-- Grain: one row per person. Decides: whose word counts on birth, sex and place: Medicare's before other payers', then the latest.
-- Every person with a claim is here, also one whom no eligibility file describes.
insert into person
with part as (
    select
        person_ref.person_id, person_part.*,
        row_number() over (
            partition by person_ref.person_id
            order by (person_part.payer_type = 'medicare') desc, person_part.delivery_order desc, person_part.as_of desc,
                person_part.source_id, person_part.native_person_id, person_part.birth_date nulls last, person_part.zip5 nulls last,
                person_part.sex nulls last, person_part.county_fips nulls last, person_part.race nulls last
        ) as place,
        row_number() over (
            partition by person_ref.person_id
            order by person_part.as_of desc, (person_part.payer_type = 'medicare') desc, person_part.delivery_order desc,
                person_part.source_id, person_part.native_person_id, person_part.zip5 nulls last,
                person_part.county_fips nulls last
        ) as recency
    from person_part
    join person_ref using (source_id, native_person_id)
),
described as (
    select
        person_id,
        arg_min(birth_date, place) filter (where birth_date is not null) as birth_date,
        max(death_date) as death_date,
        arg_min(sex, place) filter (where sex in (1, 2)) as sex,
        arg_min(race, place) filter (where race is not null) as race,
        arg_min(zip5, recency) filter (where zip5 is not null) as zip5,
        arg_min(county_fips, recency) filter (where county_fips is not null) as county_fips,
        arg_min(entitlement_reason, place) filter (where entitlement_reason is not null) as entitlement_reason
    from part
    group by person_id
)
select
    known.person_id, described.birth_date, described.death_date, coalesce(described.sex, 0), described.race, described.zip5,
    described.county_fips, described.entitlement_reason
from (select distinct person_id from person_ref) as known
left join described using (person_id)
