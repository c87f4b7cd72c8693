-- Grain: one row per claim that another payer's claim shows too (working table). Decides: a service seen by two payers counts once.
-- Stays: same person, facility and admission date, and days in common (a payer that takes over within a stay bills other days). A facility
-- claim processed as secondary: same person, facility and days. Other facility claims and professional claims: every (date, code) of the
-- copy stands on the other claim, which has the same facility, or the same rendering or billing NPI. The primary payer's claim is kept:
-- coordination order, then the payer type, then the lower claim number. Of several claims that could be kept that one is which no other
-- claim stands for, whose services are the copy's and no more, whose charge is nearest; where several copies fit the same claims
-- equally well they are taken in turn: what the first payer paid goes with what the copies state that it paid, then what it left open
-- with what was paid beside.
-- Source: claims_data.md section 3.
create or replace temp table claim_duplicate as
with live as (
    select
        claim_id, person_id, payer_id, claim_type, facility_id, coalesce(admit_date, from_date) as admit_date, from_date,
        coalesce(thru_date, from_date) as thru_date, coalesce(charge_amount, 0) as charge_amount,
        coalesce(paid_amount, 0) as paid_amount, coalesce(allowed_amount, 0) as allowed_amount,
        coalesce(other_payer_amount, 0) as other_payer_amount,
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
    select one.claim_id, other.claim_id as kept_id, case when other.from_date = one.from_date then 0 else 1 end as misfit
    from candidate as one
    join candidate as other using (person_id, claim_type, admit_date)
    where one.claim_type in ('inpatient', 'snf') and one.facility_id = other.facility_id
        and one.from_date <= other.thru_date and other.from_date <= one.thru_date
        and one.payer_id <> other.payer_id and other.standing < one.standing
),
secondary_pair as (
    select one.claim_id, other.claim_id as kept_id, 2 as misfit
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
    select one.claim_id, other.claim_id as kept_id, count(distinct (one.service_date, one.code)) as services
    from service as one
    join service as other
        on other.person_id = one.person_id and other.service_date = one.service_date and other.code = one.code
        and other.performed_by = one.performed_by
    where other.payer_id <> one.payer_id and other.standing < one.standing
        and (other.claim_type = one.claim_type
            or (other.claim_type in ('professional', 'dme') and one.claim_type in ('professional', 'dme')))
    group by one.claim_id, other.claim_id
),
pair as (
    select claim_id, kept_id, misfit from stay_pair
    union all
    select claim_id, kept_id, misfit from secondary_pair
    union all
    select
        service_pair.claim_id, service_pair.kept_id,
        case when service_pair.services = kept_count.services then 0 else 1 end as misfit
    from service_pair
    join service_count using (claim_id)
    join service_count as kept_count on kept_count.claim_id = service_pair.kept_id
    where service_pair.services = service_count.services
),
judged as (
    select
        pair.claim_id, pair.kept_id, min(pair.misfit) as misfit, any_value(copied.payer_id) as payer_id,
        any_value(copied.standing) as copy_standing, any_value(kept.standing) as standing,
        any_value(abs(copied.charge_amount - kept.charge_amount)) as charge_difference,
        any_value(copied.other_payer_amount) as stated_paid, any_value(kept.paid_amount) as kept_paid,
        any_value(copied.paid_amount) as copy_paid, any_value(kept.allowed_amount - kept.paid_amount) as left_open,
        pair.kept_id in (select claim_id from pair) as is_copy_itself
    from pair
    join candidate as copied on copied.claim_id = pair.claim_id
    join candidate as kept on kept.claim_id = pair.kept_id
    group by pair.claim_id, pair.kept_id
),
best as (
    select *, rank() over (partition by claim_id order by is_copy_itself, misfit, charge_difference) as fit from judged
),
in_turn as (                                                       -- equal services of one day: the first copy of the first claim
    select
        claim_id, kept_id, standing,
        row_number() over (partition by claim_id order by kept_paid, left_open desc, standing) as kept_turn,
        row_number() over (partition by kept_id, payer_id order by stated_paid, copy_paid desc, copy_standing) as copy_turn
    from best
    where fit = 1
),
chosen as (
    select claim_id, arg_min(kept_id, (kept_turn <> copy_turn, standing)) as kept_id from in_turn group by claim_id
)
select chosen.claim_id, coalesce(root.kept_id, chosen.kept_id) as kept_id     -- a copy of a copy names what that one copies
from chosen
left join chosen as root on root.claim_id = chosen.kept_id
