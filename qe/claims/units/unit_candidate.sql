-- Grain: one row per unit: a facility by its CCN (an unresolved one by its NPI), a group by its TIN, a clinician by the NPI, a supplier of
-- equipment by its NPI. Units under one TIN stay apart: a hospital, its physician group and its equipment supplier are three.
create temp table unit_candidate as
with facility_npi as (
    select distinct npi from facility_seen where npi is not null and ccn is null
),
group_npi as (
    select npi from roster_row where describes = 'group' and npi is not null
),
clinician_npi as (
    select npi from clinician_seen where npi is not null and npi not in (select npi from group_npi)
    union
    select npi from roster_row where describes = 'clinician' and npi is not null
)
select distinct 'CCN' as id_type, ccn as identifier, false as is_individual
from facility_identifier
union all
select 'NPI', npi, false
from facility_npi
where npi not in (select identifier from facility_identifier where id_type = 'NPI')
    and npi not in (select npi from clinician_npi)
    and npi not in (select npi from group_npi)
union all
select distinct 'NPI', npi, false
from supplier_seen
where npi not in (select identifier from facility_identifier where id_type = 'NPI')
    and npi not in (select npi from clinician_npi)
    and npi not in (select npi from group_npi)
    and npi not in (select npi from facility_npi)
union all
select 'NPI', npi, true
from clinician_npi
where npi not in (select identifier from facility_identifier where id_type = 'NPI')
union all
select distinct 'TIN', tin, false
from (
    select tin from clinician_seen
    union all
    select tin from facility_seen where substr(bill_type, 1, 2) in ('71', '73', '77') -- a clinic that bills visits is a group too
    union all
    select group_tin from roster_row where describes = 'clinician'
    union all
    select tin from roster_row where describes in ('clinician', 'group')
) as billing
where tin is not null
