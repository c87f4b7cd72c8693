-- Grain: one row per identifier (NPI, TIN) of a clinician or group (working table): its unit. Facilities are left out.
create or replace temp table identifier_unit as
select id_type, identifier, min(unit_id) as unit_id
from (
    select id_type, identifier, unit_id from provider_identifier where facility_type is null and id_type in ('NPI', 'TIN')
    union all
    select id_type, provider_id, unit_id from provider
    where id_type in ('NPI', 'TIN') and unit_id is not null
        and provider_id not in (select identifier from provider_identifier where provider_identifier.id_type = provider.id_type)
) as known
group by id_type, identifier
