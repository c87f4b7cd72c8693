-- Grain: one row per person, day and facility. Decides: an emergency department visit is a facility line with revenue centre 0450-0459 or
-- 0981, or, where no facility billed one that day, a professional service in a hospital's emergency room (place of service 23) that is no
-- supply, equipment, drug or laboratory service of HCPCS Level II (letters A, B, E, J, K, L, P, Q, V). The numbers of emergency visits are
-- CPT, which others license (docs/decisions/0010). is_admitted: the line stands on an inpatient claim, or an acute stay begins that day or
-- the next. Source: measures_spec.md section 0.2.
insert into ed_visit
with facility_line as (
    select
        claim.person_id, claim.claim_id, claim.facility_id, claim.payer_type, claim.claim_type, claim.allowed_amount,
        case when claim.claim_type = 'inpatient' then coalesce(claim.admit_date, claim.from_date)
            else coalesce(claim_line.from_date, claim.from_date) end as visit_date
    from claim
    join claim_line using (claim_id)
    where claim.claim_type in ('outpatient', 'inpatient') and claim.service_occurred and claim.superseded_by is null
        and claim.duplicate_of is null and coalesce(claim_line.line_status, 'paid') not in ('denied', 'void', 'reversed')
        and (claim_line.revenue_code between '0450' and '0459' or claim_line.revenue_code = '0981')
    group by all
),
professional_line as (
    select
        claim.person_id, claim.claim_id, cast(null as varchar) as facility_id, claim.payer_type, claim.claim_type,
        claim.allowed_amount, coalesce(claim_line.from_date, claim.from_date) as visit_date
    from claim
    join claim_line using (claim_id)
    where claim.claim_type = 'professional' and claim.service_occurred and claim.superseded_by is null
        and claim.duplicate_of is null and coalesce(claim_line.line_status, 'paid') not in ('denied', 'void', 'reversed')
        and claim_line.place_of_service = '23' and left(claim_line.hcpcs, 1) not in ('A', 'B', 'E', 'J', 'K', 'L', 'P', 'Q', 'V')
    group by all
),
line as (
    select person_id, claim_id, facility_id, payer_type, claim_type, allowed_amount, visit_date from facility_line
    union all
    select person_id, claim_id, facility_id, payer_type, claim_type, allowed_amount, visit_date
    from professional_line
    anti join facility_line using (person_id, visit_date)
),
principal as (
    select claim_id, arg_min(code, sequence) as code, arg_min(icd_version, sequence) as icd_version
    from claim_diagnosis
    where kind = 'principal'
    group by claim_id
),
placed as (
    select
        line.*, principal.code, principal.icd_version,
        row_number() over (
            partition by line.person_id, line.visit_date, line.facility_id
            order by line.claim_type = 'inpatient', try_cast(line.claim_id as bigint), line.claim_id
        ) as place
    from line
    left join principal using (claim_id)
)
select
    concat_ws(':', placed.person_id, cast(placed.visit_date as varchar), coalesce(placed.facility_id, 'none')),
    placed.person_id, placed.visit_date, placed.facility_id, min(placed.payer_type) filter (where place = 1),
    min(placed.code) filter (where place = 1), min(placed.icd_version) filter (where place = 1),
    bool_or(placed.claim_type = 'inpatient') or bool_or(exists (
        select 1 from stay
        where stay.is_acute and stay.person_id = placed.person_id
            and stay.admit_date between placed.visit_date and placed.visit_date + 1
    )),
    sum(placed.allowed_amount), list(placed.claim_id order by place)
from placed
group by placed.person_id, placed.visit_date, placed.facility_id
