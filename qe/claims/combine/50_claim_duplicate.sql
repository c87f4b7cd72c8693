-- Grain: one row per claim that another payer's claim shows too (working table). Decides: a service seen by two payers counts once.
-- Stays: same person, facility and admission date. A facility claim processed as secondary: same person, facility and days. Other facility claims and professional claims: every (date, code) of the copy
-- stands on the other claim, which has the same facility, or the same rendering or billing NPI. The primary payer's claim is kept:
-- coordination order, then the payer type, then the lower claim number. Source: claims_data.md section 3.
create or replace temp table claim_duplicate as
with live as (
    select
        claim_id, person_id, payer_id, claim_type, facility_id, coalesce(admit_date, from_date) as admit_date, from_date, thru_date,
        coalesce(cob_order, 1) as cob_order,
        coalesce(cob_order, 1) * 1000000000000000
            + case payer_type when 'commercial' then 2 when 'medicaid' then 4 when 'medicare' then 1 else 3 end * 100000000000000
            + try_cast(claim_id as bigint) as standing
    from claim
    where service_occurred and superseded_by is null
),
shared_person as (
    select person_id from live group by person_id having count(distinct payer_id) > 1
),
candidate as (
    select live.* from live semi join shared_person using (person_id)
),
stay_pair as (
    select
        one.claim_id, other.claim_id as kept_id,
        other.standing + case when other.from_date = one.from_date then 0 else 100000000000000000 end as standing
    from candidate as one
    join candidate as other using (person_id, claim_type, admit_date)
    where one.claim_type in ('inpatient', 'snf') and one.facility_id = other.facility_id
        and one.payer_id <> other.payer_id and other.standing < one.standing
),
secondary_pair as (
    select one.claim_id, other.claim_id as kept_id, other.standing
    from candidate as one
    join candidate as other using (person_id, claim_type, facility_id, from_date, thru_date)
    where one.claim_type in ('outpatient', 'hha', 'hospice') and one.cob_order between 2 and 8
        and one.payer_id <> other.payer_id and other.standing < one.standing
),
service as (
    select distinct
        candidate.claim_id, candidate.person_id, candidate.payer_id, candidate.claim_type, candidate.standing,
        claim_line.from_date as service_date, coalesce(claim_line.hcpcs, claim_line.revenue_code) as code,
        coalesce(candidate.facility_id, claim_line.rendering_npi, claim.billing_npi) as performed_by
    from candidate
    join claim using (claim_id)
    join claim_line using (claim_id)
    where candidate.claim_type not in ('inpatient', 'snf') and coalesce(claim_line.line_status, 'paid') not in ('void', 'reversed')
        and coalesce(claim_line.hcpcs, claim_line.revenue_code) is not null
        and coalesce(claim_line.revenue_code, '') <> '0001'
),
service_count as (
    select claim_id, count(distinct (service_date, code)) as services from service group by claim_id
),
service_pair as (
    select one.claim_id, other.claim_id as kept_id, other.standing, count(distinct (one.service_date, one.code)) as services
    from service as one
    join service as other
        on other.person_id = one.person_id and other.service_date = one.service_date and other.code = one.code
        and other.performed_by = one.performed_by
    where other.payer_id <> one.payer_id and other.standing < one.standing
        and (other.claim_type = one.claim_type
            or (other.claim_type in ('professional', 'dme') and one.claim_type in ('professional', 'dme')))
    group by one.claim_id, other.claim_id, other.standing
),
pair as (
    select claim_id, kept_id, standing from stay_pair
    union all
    select claim_id, kept_id, standing from secondary_pair
    union all
    select service_pair.claim_id, service_pair.kept_id, service_pair.standing
    from service_pair
    join service_count using (claim_id)
    where service_pair.services = service_count.services
)
select claim_id, arg_min(kept_id, standing) as kept_id
from pair
group by claim_id
