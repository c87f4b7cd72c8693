-- Grain: one row per claim of the file (working table). Decides: claim type by bill type; header amounts are sums of the lines.
-- The header's facts are those of the first line that stands; a psychiatric or rehabilitation stay in a general hospital is told
-- by its DRG or by its room-and-board revenue codes. Source: measures_spec.md, correction 10.
create or replace temp table medical_header as
with placed as (
    select
        *,
        row_number() over (partition by claim_id order by is_live desc, line_number) as place
    from medical_line
),
summed as (
    select
        claim_id, min(from_date) as from_date, max(thru_date) as thru_date, sum(charge_amount) as charge_amount,
        sum(allowed_amount) as allowed_amount, sum(paid_amount) as paid_amount, sum(member_amount) as member_amount,
        sum(other_payer_amount) as other_payer_amount, max(version_number) as version, max(cob_order) as cob_order,
        max(paid_date) as paid_date,
        bool_and(is_equipment_code(hcpcs)) as is_equipment,
        bool_or(revenue_code similar to '01[0-9]{2}') as has_room,
        bool_or(revenue_code similar to '01[0-9]4') as has_psychiatric_room,
        bool_or(revenue_code similar to '01[0-9]8') as has_rehabilitation_room,
        bool_or(revenue_code similar to '01[0-35-79].' and revenue_code not similar to '01[0-9][48]') as has_other_room,
        max(payment_arrangement) filter (where is_capitated) as capitated_arrangement,
        case
            when bool_or(line_status = 'paid') then 'paid'
            when bool_or(line_status = 'other_payer_paid') then 'other_payer_paid'
            when bool_or(line_status = 'zero_paid') then 'zero_paid'
            when bool_or(line_status = 'denied') then 'denied'
            when bool_or(line_status = 'reversed') then 'reversed'
            else 'void'
        end as paid_status
    from medical_line
    group by claim_id
)
select
    placed.claim_id, placed.superseded_by, placed.person_id, placed.admit_date, placed.discharge_date, placed.bill_type,
    placed.admission_type, placed.point_of_origin, placed.discharge_status, placed.drg, placed.billing_npi,
    placed.billing_tin, placed.attending_npi, placed.diagnoses, placed.procedures,
    coalesce(summed.capitated_arrangement, placed.payment_arrangement) as payment_arrangement,
    summed.from_date, summed.thru_date, summed.charge_amount, summed.allowed_amount, summed.paid_amount,
    summed.member_amount, summed.other_payer_amount, summed.version, summed.cob_order, summed.paid_date, summed.paid_status,
    case
        when placed.bill_type is null and summed.is_equipment then 'dme'
        when placed.bill_type is null then 'professional'
        when placed.bill_type like '11%' or placed.bill_type like '41%' then 'inpatient'
        when placed.bill_type like '21%' or placed.bill_type like '18%' then 'snf'
        when placed.bill_type like '3%' then 'hha'
        when placed.bill_type like '81%' or placed.bill_type like '82%' then 'hospice'
        else 'outpatient'
    end as claim_type,
    case
        when placed.drg in ('876', '880', '881', '882', '883', '884', '885', '886', '887') then 'psychiatric'
        when placed.drg in ('945', '946') then 'rehabilitation'
        when summed.has_psychiatric_room and not coalesce(summed.has_other_room, false) then 'psychiatric'
        when summed.has_rehabilitation_room and not coalesce(summed.has_other_room, false) then 'rehabilitation'
    end as ward_type
from placed
join summed using (claim_id)
where placed.place = 1
