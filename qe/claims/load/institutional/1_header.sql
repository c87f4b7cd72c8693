-- Grain: one row per claim of the file (working table). Decides: paid status and allowed amount of Medicare institutional claims.
-- The header is repeated on every line: it is taken once. A non-payment reason decides by its table (a code that stands in no
-- table is denied); zero paid is not denied. Inpatient and SNF allowed = paid + pass-through per diem x covered days +
-- deductible (cash and blood) + coinsurance + primary payer. Source: contracts.md section 4; claims_data.md section 1 and correction 2.
create or replace temp table institutional_header as
with first_line as (
    select
        *,
        row_number() over (partition by claim_type, native_claim_id order by line_number nulls last, row_number) as place
    from incoming
),
header as (
    select
        first_line.claim_type, first_line.native_claim_id, first_line.native_person_id, first_line.delivery_order, first_line.delivery_id,
        first_line.from_date, first_line.thru_date, first_line.admit_date, first_line.discharge_date,
        first_line.facility_ccn, first_line.billing_npi, first_line.attending_npi, first_line.operating_npi,
        first_line.facility_code || first_line.service_code || coalesce(first_line.frequency_code, '') as bill_type,
        first_line.frequency_code, first_line.drg, first_line.admission_type, first_line.point_of_origin,
        first_line.discharge_status, first_line.non_payment_reason, first_line.final_action,
        coalesce(first_line.mco_paid = '1', false) as mco_paid,
        coalesce(first_line.claim_paid_amount, 0) as paid_amount,
        coalesce(first_line.primary_payer_amount, 0) as primary_payer_amount,
        nullif(trim(first_line.primary_payer_code), '') as primary_payer_code,
        first_line.claim_charge_amount as charge_amount,
        cast(coalesce(first_line.pass_through_per_diem, 0) * coalesce(first_line.covered_days, 0) as decimal(14, 2))
            as pass_through_amount,
        first_line.covered_days,
        coalesce(first_line.deductible_amount, 0) + coalesce(first_line.coinsurance_amount, 0)
            + coalesce(first_line.blood_deductible_amount, 0) as member_amount,
        first_line.paid_date, first_line.diagnoses, first_line.procedures
    from first_line
    where place = 1
),
judged as (
    select
        header.*,
        case
            when header.frequency_code = '8' or coalesce(header.final_action, 'F') = 'N' then 'void'
            when header.non_payment_reason is not null and reason.code is null then 'denied'
            when coalesce(reason.status, 'paid') <> 'paid' then reason.status
            when header.paid_amount <> 0 then 'paid'
            when header.primary_payer_amount > 0 then 'other_payer_paid'
            else 'zero_paid'
        end as paid_status,
        coalesce(reason.service_occurred, header.non_payment_reason is null) as reason_allows
    from header
    left join code_status as reason on reason.list = 'non_payment_reason' and reason.code = header.non_payment_reason
)
select
    claim_ref.claim_id, claim_ref.superseded_by, person_ref.person_id, judged.*,
    judged.paid_status <> 'void' and judged.reason_allows as service_occurred,
    case
        when judged.paid_status in ('denied', 'void') then 0
        when judged.claim_type in ('inpatient', 'snf')
            then judged.paid_amount + judged.pass_through_amount + judged.member_amount + judged.primary_payer_amount
        else judged.paid_amount + judged.member_amount + judged.primary_payer_amount
    end as allowed_amount,
    case when coalesce(payer.status, 'primary') = 'secondary' then 2 when judged.mco_paid then 9 else 1 end as cob_order
from judged
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = judged.claim_type
    and claim_ref.native_claim_id = judged.native_claim_id and claim_ref.delivery_order = judged.delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = judged.native_person_id
left join code_status as payer on payer.list = 'primary_payer' and payer.code = judged.primary_payer_code
