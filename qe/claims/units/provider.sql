-- Grain: one row per identifier of a unit. Decides: name, role (401.703(b), (c)), specialty and place of a unit.
-- A rural health clinic, FQHC or dialysis facility has a CCN and is a supplier all the same; clinicians and groups are suppliers.
insert into provider
with described as (
    select 'CCN' as id_type, ccn as identifier, name, role, specialty, tin, zip5, county_fips, from_date, to_date
    from roster_row where describes = 'facility'
    union all
    select 'NPI', npi, name, role, specialty, coalesce(group_tin, tin), zip5, county_fips, from_date, to_date
    from roster_row where describes = 'clinician' and npi is not null
    union all
    select 'TIN', tin, name, role, null, tin, zip5, county_fips, from_date, to_date
    from roster_row where describes = 'group'
),
latest as (
    select
        id_type, identifier, name, role, specialty, tin, zip5, county_fips,
        row_number() over (
            partition by id_type, identifier
            order by to_date desc nulls first, from_date desc nulls last, name nulls last, tin nulls last,
                specialty nulls last, zip5 nulls last, county_fips nulls last, role nulls last
        ) as place
    from described
),
span as (
    select
        id_type, identifier, min(from_date) as valid_from,
        case when bool_or(to_date is null) then null else max(to_date) end as valid_to
    from described
    group by id_type, identifier
),
billed as (
    select npi, specialty, row_number() over (partition by npi order by sum(lines) desc, specialty) as place
    from clinician_seen
    where npi is not null and length(specialty) = 2
    group by npi, specialty
),
known_by as (
    select
        provider_identifier.unit_id, provider_identifier.id_type, provider_identifier.identifier,
        provider_identifier.facility_type, unit_key.id_type as unit_id_type, unit_key.identifier as unit_identifier,
        unit_key.id_type = 'NPI' and provider_identifier.facility_type = 'other'
            and unit_key.identifier in (select npi from supplier_seen)
            and unit_key.identifier not in (select npi from facility_seen where npi is not null) as is_equipment_supplier
    from provider_identifier
    join vault.unit_key as unit_key using (unit_id)
)
select
    known_by.identifier,
    known_by.id_type,
    known_by.unit_id,
    coalesce(
        latest.name,
        case known_by.unit_id_type
            when 'CCN' then 'Facility ' || known_by.unit_identifier
            when 'NPI' then 'NPI ' || known_by.unit_identifier
            else 'Group ' || known_by.unit_id
        end
    ),
    coalesce(
        latest.role,
        case
            when known_by.is_equipment_supplier then 'supplier'
            when known_by.unit_id_type <> 'CCN' and known_by.facility_type is null then 'supplier'
            when known_by.unit_id_type = 'CCN' and (
                substr(known_by.unit_identifier, 3, 4) between '1000' and '1199'
                or substr(known_by.unit_identifier, 3, 4) between '1800' and '1989'
                or substr(known_by.unit_identifier, 3, 4) between '2300' and '2999'
                or substr(known_by.unit_identifier, 3, 4) between '3400' and '3999'
                or substr(known_by.unit_identifier, 3, 4) between '8500' and '8999'
            ) then 'supplier'
            else 'provider'
        end
    ),
    case
        when known_by.is_equipment_supplier then 'equipment'
        else coalesce(known_by.facility_type, case known_by.unit_id_type when 'TIN' then 'group' else 'clinician' end)
    end,
    coalesce(latest.specialty, case when known_by.facility_type is null then billed.specialty end),
    latest.tin,
    latest.zip5,
    latest.county_fips,
    known_by.unit_id_type = 'NPI' and known_by.facility_type is null,
    span.valid_from,
    span.valid_to
from known_by
left join latest
    on latest.id_type = known_by.unit_id_type and latest.identifier = known_by.unit_identifier and latest.place = 1
left join span on span.id_type = known_by.unit_id_type and span.identifier = known_by.unit_identifier
left join billed on billed.npi = known_by.unit_identifier and known_by.unit_id_type = 'NPI' and billed.place = 1
