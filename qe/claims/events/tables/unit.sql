-- Grain: one row per unit that results are about. Decides: the identifier a unit is known by (CCN before TIN before NPI) and its level.
create view unit as
with ranked as (
    select
        unit_id, id_type, provider_id, name, role, provider_type, specialty, zip5, county_fips, is_individual,
        row_number() over (
            partition by unit_id
            order by
                case id_type when 'CCN' then 1 when 'TIN' then 2 else 3 end,
                provider_id,
                valid_from desc nulls last,
                valid_to desc nulls first,
                name nulls last,
                specialty nulls last
        ) as place
    from provider
    where unit_id is not null
)
select
    unit_id,
    case
        when id_type = 'CCN' then 'facility'
        when id_type = 'TIN' then 'group'
        when coalesce(is_individual, true) then 'clinician'
        else 'facility'
    end as level,
    id_type,
    provider_id as identifier,
    coalesce(name, unit_id) as name,
    coalesce(role, 'provider') as role,
    provider_type,
    specialty,
    zip5,
    county_fips
from ranked
where place = 1
