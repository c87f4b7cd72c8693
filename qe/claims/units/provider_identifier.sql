-- Grain: one row per unit and identifier that stands for it. facility_type is filled for facilities only.
insert into provider_identifier
with facility as (
    select
        vault.unit_key.unit_id, facility_identifier.id_type, facility_identifier.identifier, facility_identifier.ccn,
        facility_identifier.source
    from facility_identifier
    join vault.unit_key on vault.unit_key.id_type = 'CCN' and vault.unit_key.identifier = facility_identifier.ccn
),
stated as (
    select ccn, min(facility_type) as facility_type, min(from_date) as valid_from, max(to_date) as valid_to
    from roster_row
    where ccn is not null
    group by ccn
),
unresolved as (
    select
        npi,
        case
            when bool_or(bill_type like '11%') then 'short_term'
            when bool_or(bill_type like '21%' or bill_type like '18%') then 'snf'
            else 'other'
        end as facility_type
    from facility_seen
    where npi is not null and ccn is null
    group by npi
)
select
    facility.unit_id, facility.id_type, facility.identifier,
    coalesce(stated.facility_type, ccn_facility_type(facility.ccn), 'other'),
    null, null, facility.source
from facility
left join stated using (ccn)
union all
select
    unit_key.unit_id, unit_candidate.id_type, unit_candidate.identifier,
    case
        when unit_candidate.id_type = 'NPI' and not unit_candidate.is_individual then coalesce(unresolved.facility_type, 'other')
    end,
    null, null, 'claims'
from unit_candidate
join vault.unit_key as unit_key using (id_type, identifier)
left join unresolved on unresolved.npi = unit_candidate.identifier and unit_candidate.id_type = 'NPI'
where unit_candidate.id_type <> 'CCN'
union all
select unit_key.unit_id, 'NPI', organisation.npi, null, null, null, 'roster'
from (select npi, min(tin) as tin from roster_row where describes = 'group' and npi is not null group by npi) as organisation
join vault.unit_key as unit_key on unit_key.id_type = 'TIN' and unit_key.identifier = organisation.tin
where organisation.npi not in (select identifier from facility_identifier where id_type = 'NPI')
    and organisation.npi not in (select identifier from unit_candidate where id_type = 'NPI')
