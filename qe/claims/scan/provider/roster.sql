-- Grain: one row per identifier of the file, as a row of the roster: what a model says of its providers.
insert into roster_row
select distinct
    case id_type when 'NPI' then provider_id end,
    case id_type when 'CCN' then provider_id end,
    case id_type when 'TIN' then provider_id end,
    case id_type when 'NPI' then tin end,
    name, specialty,
    case when id_type = 'CCN' then ccn_facility_type(provider_id) end,
    role,
    case id_type when 'CCN' then 'facility' when 'TIN' then 'group' else 'clinician' end,
    zip5, county_fips, valid_from, valid_to
from incoming
where id_type in ('CCN', 'TIN') or (id_type = 'NPI' and coalesce(is_individual, true))
