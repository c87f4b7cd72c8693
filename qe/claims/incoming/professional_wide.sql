-- Grain: one row per claim line. Decides: of the lines that stand beside each other those with a code, a clinician, a processing code or an
-- amount are lines; the others are empty places. A claim without any keeps one line, so that it is not lost.
create or replace temp view incoming as
with placed as (
    select
        delivered.*,
        cast(unnest(generate_series(1, len(line_codes))) as integer) as line_number
    from delivered
),
line as (
    select
        placed.*,
        line_codes[line_number] as hcpcs, line_npis[line_number] as rendering_npi, line_tins[line_number] as rendering_tin,
        line_processing_codes[line_number] as line_processing_code, line_paid_amounts[line_number] as line_paid_amount,
        line_deductible_amounts[line_number] as line_deductible_amount,
        line_coinsurance_amounts[line_number] as line_coinsurance_amount,
        line_primary_payer_amounts[line_number] as line_primary_payer_amount,
        line_allowed_amounts[line_number] as line_allowed_amount
    from placed
)
select
    row_number, delivery_id, delivery_order, sent_order, native_person_id, native_claim_id, claim_type, from_date, thru_date,
    cast(null as varchar) as payment_denial_code, cast(null as decimal(14, 2)) as claim_paid_amount, cast(null as date) as paid_date,
    cast(null as varchar) as final_action, line_number, rendering_npi, cast(null as varchar) as organisation_npi, rendering_tin,
    cast(null as varchar) as rendering_specialty, cast(null as varchar) as place_of_service, cast(null as date) as line_from_date,
    cast(null as date) as line_thru_date, hcpcs, cast([] as varchar[]) as modifiers, cast(null as decimal(18, 4)) as units,
    line_paid_amount, line_deductible_amount, line_coinsurance_amount, cast(null as varchar) as line_primary_payer_code,
    line_primary_payer_amount, cast(null as decimal(14, 2)) as line_charge_amount, line_allowed_amount, line_processing_code,
    cast(null as varchar) as ndc, diagnoses
from line
where line_number = 1 or coalesce(hcpcs, rendering_npi, rendering_tin, line_processing_code) is not null
    or coalesce(line_paid_amount, 0) <> 0 or coalesce(line_allowed_amount, 0) <> 0
