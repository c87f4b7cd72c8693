-- Grain: one row per Part D event. A deletion ("D") is void; an unknown adjustment code is denied. allowed_amount is the total drug
-- cost; paid is what plan and low-income subsidy paid, never more than that cost; a file that states none of them: what the patient
-- did not pay.
insert into pharmacy_fill
with judged as (
    select
        event_version.*,
        case
            when event_version.adjustment_code is not null and adjustment.code is null then 'denied'
            else coalesce(adjustment.status, 'paid')
        end as fill_status
    from event_version
    left join code_status as adjustment
        on adjustment.list = 'pde_adjustment' and adjustment.code = event_version.adjustment_code
)
select
    fill_ref.fill_id, $source_id, $payer_id, $payer_type, person_ref.person_id, judged.fill_date, judged.ndc, null,
    case upper(judged.brand_generic) when 'B' then 'B' when 'G' then 'G' end,
    judged.days_supply, judged.quantity, judged.prescriber_npi, judged.pharmacy_npi,
    case when judged.fill_status = 'paid' then judged.total_cost_amount else 0 end,
    case
        when judged.fill_status = 'paid'
            then least(
                case
                    when coalesce(judged.plan_paid_amount, judged.noncovered_plan_paid_amount, judged.low_income_amount) is null
                        then judged.total_cost_amount - coalesce(judged.patient_paid_amount, 0)
                    else coalesce(judged.plan_paid_amount, 0) + coalesce(judged.noncovered_plan_paid_amount, 0)
                        + coalesce(judged.low_income_amount, 0)
                end,
                judged.total_cost_amount
            )
        else 0
    end,
    judged.patient_paid_amount, judged.fill_status, null, judged.paid_date, null, $delivery_id, 1, fill_ref.superseded_by,
    null, false
from judged
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = judged.native_claim_id
    and fill_ref.delivery_order = judged.delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = judged.native_person_id
where judged.place = 1
