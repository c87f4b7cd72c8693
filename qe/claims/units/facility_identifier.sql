-- Grain: one row per identifier (CCN, NPI, TIN) of a facility that has a CCN. Decides: one hospital is one unit.
-- An NPI belongs to the CCN that the roster names, else to the CCN with most claims under it; a TIN only to the one CCN
-- (or the one acute CCN) that the roster names for it. Source: claims_data.md, correction 1.
create temp table facility_identifier as
with roster_ccn as (
    select distinct npi, ccn, tin, is_acute_type(coalesce(facility_type, ccn_facility_type(ccn))) as is_acute
    from roster_row
    where ccn is not null
),
npi_choice as (
    select npi, ccn, 1 as trust, count(*) as claims from roster_ccn where npi is not null group by npi, ccn
    union all
    select npi, ccn, 2, cast(sum(claims) as bigint) from facility_seen
    where npi is not null and ccn is not null
    group by npi, ccn
),
npi_ranked as (
    select npi, ccn, trust, row_number() over (partition by npi order by trust, claims desc, ccn) as place
    from npi_choice
),
tin_choice as (
    select
        tin,
        case
            when count(distinct ccn) filter (where is_acute) = 1 then min(ccn) filter (where is_acute)
            when count(distinct ccn) = 1 then min(ccn)
        end as ccn
    from roster_ccn
    where tin is not null
    group by tin
)
select 'CCN' as id_type, ccn as identifier, ccn, max(source) as source
from (
    select ccn, 'claims' as source from facility_seen where ccn is not null
    union all
    select ccn, 'roster' from roster_ccn
) as seen
group by ccn
union all
select 'NPI', npi, ccn, case trust when 1 then 'roster' else 'claims' end from npi_ranked where place = 1
union all
select 'TIN', tin, ccn, 'roster' from tin_choice where ccn is not null
