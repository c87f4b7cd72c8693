-- Grain: one row per claim line, in the columns of other payers' medical claims. Decides: amounts that are the claim's (amount_grain, a fact of
-- the layout) stand on its first line; without an allowed amount the paid one and the member's share stand
-- for it; a facility is known by its NPI; a claim without dates of stay was admitted and discharged on its own days.
create or replace temp view incoming as
with judged as (
    select
        *,
        claim_type = 'INSTITUTIONAL' as is_institutional,
        case
            when claim_type = 'PROFESSIONAL' then null
            when bill_type is not null then bill_type
            when drg is not null or admit_date is not null then '11'
            else '13'
        end as bill_kind,
        row_number() over (partition by native_claim_id, delivery_order order by line_number, row_number) as place
    from delivered
),
once as (                                                         -- amounts of a claim on its first line, those of a line on the line
    select
        * exclude (paid_amount, charge_amount, allowed_amount, copay_amount, coinsurance_amount, deductible_amount),
        case when amount_grain = 'row' then paid_amount when place = 1 then max(paid_amount) over whole_claim else 0 end as paid_amount,
        case when amount_grain = 'row' then charge_amount when place = 1 then max(charge_amount) over whole_claim else 0 end as charge_amount,
        case when amount_grain = 'row' then allowed_amount when place = 1 then max(allowed_amount) over whole_claim else 0 end
            as allowed_amount,
        case when amount_grain = 'row' then copay_amount when place = 1 then max(copay_amount) over whole_claim else 0 end as copay_amount,
        case when amount_grain = 'row' then coinsurance_amount when place = 1 then max(coinsurance_amount) over whole_claim else 0 end
            as coinsurance_amount,
        case when amount_grain = 'row' then deductible_amount when place = 1 then max(deductible_amount) over whole_claim else 0 end
            as deductible_amount
    from judged
    window whole_claim as (partition by native_claim_id, delivery_order)
)
select
    row_number, delivery_id, delivery_order, sent_order, cast(null as varchar) as payor, native_claim_id, line_number,
    cast(null as integer) as version, cast(null as varchar) as cross_reference_claim_id, native_person_id,
    coalesce(line_start_date, claim_start_date) as from_date, coalesce(line_end_date, claim_end_date) as thru_date, paid_date,
    case when bill_kind similar to '(11|41|21|18).*' then coalesce(admit_date, claim_start_date) else admit_date end as admit_date,
    case
        when bill_kind similar to '(11|41|21|18).*' and coalesce(discharge_status, '') <> '30'
            then coalesce(discharge_date, claim_end_date)
        else discharge_date
    end as discharge_date,
    bill_kind as bill_type, admission_type, point_of_origin, discharge_status, place_of_service, drg, revenue_code, hcpcs, modifiers,
    units, cast(null as varchar) as ndc, rendering_npi, cast(null as varchar) as rendering_specialty,
    case when is_institutional then coalesce(facility_npi, billing_npi) else billing_npi end as billing_npi,
    coalesce(case when not is_institutional then rendering_tin end, billing_tin) as billing_tin,
    case when is_institutional then rendering_npi end as attending_npi,
    cast(null as varchar) as payment_arrangement, cast(null as varchar) as claim_status, cast(null as varchar) as line_type,
    cast(null as varchar) as denied_line, cast(null as decimal(14, 2)) as other_payer_amount,
    paid_amount, charge_amount,
    coalesce(
        allowed_amount, paid_amount + coalesce(copay_amount, 0) + coalesce(coinsurance_amount, 0) + coalesce(deductible_amount, 0)
    ) as allowed_amount,
    copay_amount, coinsurance_amount, deductible_amount,
    diagnoses, procedures
from once
