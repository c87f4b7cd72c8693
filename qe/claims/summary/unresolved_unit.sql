-- Grain: one row per source, reason and unit (NULL: none): claims that no unit, or none but an NPI, stands for, with stays and dollars.
-- reason: no_identifier and npi_alone (facility claims), no_group (visits). Copies that another payer's claim stands for are left out. Source: claims_data.md, correction 1.
create table unresolved_unit as
with standing as (
    select *
    from claim
    where service_occurred and superseded_by is null and duplicate_of is null
),
facility_claim as (
    select
        standing.source_id, standing.claim_id, standing.facility_id as unit_id, unit.name, standing.allowed_amount,
        case when standing.facility_id is null then 'no_identifier' else 'npi_alone' end as reason
    from standing
    left join unit on unit.unit_id = standing.facility_id
    where standing.claim_type not in ('professional', 'dme') and (standing.facility_id is null or unit.id_type <> 'CCN')
),
without_group as (
    select
        standing.source_id, standing.claim_id, cast(null as varchar) as unit_id, cast(null as varchar) as name,
        sum(visit.allowed_amount) as allowed_amount, 'no_group' as reason
    from visit
    join standing using (claim_id)
    where visit.group_id is null and standing.claim_type = 'professional'
    group by standing.source_id, standing.claim_id
),
unresolved as (
    select source_id, claim_id, unit_id, name, allowed_amount, reason from facility_claim
    union all
    select source_id, claim_id, unit_id, name, allowed_amount, reason from without_group
),
stay_bill as (
    select stay_id, unnest(claim_ids) as claim_id from stay
)
select
    unresolved.source_id, unresolved.reason, unresolved.unit_id, unresolved.name, count(*) as claims,
    count(distinct stay_bill.stay_id) as stays,
    cast(coalesce(sum(unresolved.allowed_amount), 0) as decimal(14, 2)) as allowed_amount
from unresolved
left join stay_bill using (claim_id)
group by unresolved.source_id, unresolved.reason, unresolved.unit_id, unresolved.name
order by allowed_amount desc, source_id, reason, unit_id
