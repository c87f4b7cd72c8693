-- Grain: one row per claim line of the file (working table). Decides: which carrier and DME lines are payable.
-- Claim denial code and line processing code are text and count by whitelist ('00' is not '0'); a code that stands in no
-- table is denied; a blank one is no statement. A line that was denied stays so on a claim that another payer paid. Where another payer paid or benefits were exhausted Medicare paid nothing, whatever the
-- amount says; only S (secondary payer) keeps what Medicare paid second. CMS's own yearly sums of the DE-SynPUF count A, R and S alone.
-- Source: CCW codebook; claims_data.md section 1.
create or replace temp table professional_line as
with numbered as (
    select
        *,
        row_number() over (partition by claim_type, native_claim_id order by line_number nulls last, row_number) as place
    from incoming
),
judged as (
    select
        numbered.*,
        case
            when coalesce(numbered.final_action, 'F') = 'N' then 'void'
            when numbered.payment_denial_code is not null and denial.code is null then 'denied'
            when numbered.line_processing_code is not null and processing.code is null then 'denied'
            when 'denied' in (coalesce(denial.status, 'paid'), coalesce(processing.status, 'paid')) then 'denied'
            when coalesce(denial.status, 'paid') <> 'paid' then denial.status
            when coalesce(processing.status, 'paid') <> 'paid' and numbered.line_processing_code <> 'S' then processing.status
            when coalesce(numbered.line_paid_amount, 0) <> 0 then 'paid'
            when coalesce(processing.status, 'paid') = 'other_payer_paid'
                or coalesce(numbered.line_primary_payer_amount, 0) > 0 then 'other_payer_paid'
            else 'zero_paid'
        end as line_status
    from numbered
    left join code_status as denial
        on denial.list = 'carrier_denial' and denial.code = numbered.payment_denial_code
    left join code_status as processing
        on processing.list = 'line_processing' and processing.code = numbered.line_processing_code
)
select
    claim_ref.claim_id, claim_ref.superseded_by, person_ref.person_id, judged.claim_type, judged.native_claim_id, judged.place,
    coalesce(judged.line_number, judged.place) as line_number,
    coalesce(judged.line_from_date, judged.from_date) as line_from_date,
    coalesce(judged.line_thru_date, judged.thru_date) as line_thru_date,
    judged.from_date, judged.thru_date, judged.paid_date, judged.hcpcs, judged.modifiers, judged.units, judged.place_of_service,
    judged.rendering_npi, judged.rendering_specialty, judged.rendering_tin, judged.organisation_npi, judged.ndc,
    judged.line_charge_amount as charge_amount,
    case when judged.line_status in ('denied', 'void') then 0 else coalesce(judged.line_allowed_amount, 0) end as allowed_amount,
    case when judged.line_status = 'paid' then coalesce(judged.line_paid_amount, 0) else 0 end as paid_amount,
    coalesce(judged.line_deductible_amount, 0) + coalesce(judged.line_coinsurance_amount, 0) as member_amount,
    coalesce(judged.line_primary_payer_amount, 0) as primary_payer_amount,
    nullif(trim(judged.line_primary_payer_code), '') as primary_payer_code,
    judged.claim_paid_amount, judged.line_status, judged.diagnoses, judged.delivery_id
from judged
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = judged.claim_type
    and claim_ref.native_claim_id = judged.native_claim_id and claim_ref.delivery_order = judged.delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = judged.native_person_id
