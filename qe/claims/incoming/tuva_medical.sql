-- Grain: one row per claim line, in the columns of other payers' medical claims. Decides: amounts that an institutional claim repeats alike
-- on each of its lines are the claim's and stand on the first; without an allowed amount the paid one and the member's share stand
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
        claim_type = 'INSTITUTIONAL' and count(*) over whole_claim > 1
            and min(paid_amount) over whole_claim = max(paid_amount) over whole_claim
            and min(charge_amount) over whole_claim is not distinct from max(charge_amount) over whole_claim
            and count(paid_amount) over whole_claim = count(*) over whole_claim as repeats_amounts,
        row_number() over (partition by native_claim_id, delivery_order order by line_number, row_number) as place
    from delivered
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
    case when not repeats_amounts or place = 1 then paid_amount else 0 end as paid_amount,
    case when not repeats_amounts or place = 1 then charge_amount else 0 end as charge_amount,
    case
        when repeats_amounts and place > 1 then 0
        else coalesce(
            allowed_amount, paid_amount + coalesce(copay_amount, 0) + coalesce(coinsurance_amount, 0) + coalesce(deductible_amount, 0)
        )
    end as allowed_amount,
    case when not repeats_amounts or place = 1 then copay_amount else 0 end as copay_amount,
    case when not repeats_amounts or place = 1 then coinsurance_amount else 0 end as coinsurance_amount,
    case when not repeats_amounts or place = 1 then deductible_amount else 0 end as deductible_amount,
    diagnoses, procedures
from judged
