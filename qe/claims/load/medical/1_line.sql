-- Grain: one row per claim line of the file that stands after final action (working table).
-- Decides: by payor, claim and line the highest version stands (a version sent twice: the last one sent); with adjustment "net"
-- amounts are summed over versions instead. A line whose last version is a void (V) or back-out (B) is void. A reversal (status 22)
-- reverses its own line or, by cross reference, the line of the claim it names: the one that stood when the reversal came, told by
-- delivery, then paid date, then version. Among net amounts it is one more increment of that line, which is reversed when nothing
-- is left. Capitated lines are paid without an amount. Source: claims_data.md section 2; docs/reference/source-kinds.md.
create or replace temp table medical_line as
with named as (                                                    -- narrow on purpose: it is sorted; the wide row is joined later
    select
        sent_order, row_number, delivery_order, line_number, paid_date, charge_amount, allowed_amount, paid_amount, copay_amount,
        coinsurance_amount, deductible_amount, other_payer_amount, units,
        concat_ws(':', payor, native_claim_id) as claim_number,
        concat_ws(':', payor, cross_reference_claim_id) as cross_number,
        coalesce(version, 0) as version_number,
        nullif(ltrim(coalesce(claim_status, ''), '0'), '') as status_code,
        ltrim(coalesce(claim_status, ''), '0') = '22'
            and coalesce(cross_reference_claim_id, native_claim_id) <> native_claim_id as is_reversal_of_other
    from incoming
),
sent as (
    select
        *,
        row_number() over (
            partition by claim_number, line_number, version_number, case when is_reversal_of_other then cross_number end
            order by sent_order desc, paid_date desc nulls last, status_code desc nulls last, paid_amount desc nulls last,
                charge_amount desc nulls last, row_number desc
        ) as resend
    from named
    where $net or not is_reversal_of_other
),
versioned as (
    select
        *,
        row_number() over (
            partition by claim_number, line_number
            order by version_number desc, sent_order desc, paid_date desc nulls last, status_code desc nulls last,
                paid_amount desc nulls last, charge_amount desc nulls last, row_number desc
        ) as recency,
        max(delivery_order) over (partition by claim_number) as claim_delivery_order
    from sent
    where not is_reversal_of_other
),
standing as (
    select * from versioned where recency = 1
),
increments as (                                                    -- what all versions and reversals of a line add up to
    select
        case when is_reversal_of_other then cross_number else claim_number end as claim_number,
        line_number,
        sum(charge_amount) as net_charge,
        sum(allowed_amount) as net_allowed,
        sum(paid_amount) as net_paid,
        sum(coalesce(copay_amount, 0) + coalesce(coinsurance_amount, 0) + coalesce(deductible_amount, 0)) as net_member,
        sum(coalesce(other_payer_amount, 0)) as net_other,
        sum(units) as net_units,
        bool_or(is_reversal_of_other) as has_reversal
    from sent
    where $net and resend = 1
    group by all
),
reversed_line as (
    select distinct standing.claim_number, standing.line_number
    from standing
    join reversal_seen as reversal
        on reversal.source_id = $source_id and reversal.native_claim_id = standing.claim_number
        and reversal.line_number = standing.line_number
    where not $net
        and (
            reversal.delivery_order, coalesce(reversal.paid_date, standing.paid_date, date '0001-01-01'), reversal.version
        ) >= (
            standing.delivery_order, coalesce(standing.paid_date, reversal.paid_date, date '0001-01-01'), standing.version_number
        )
),
final as (
    select
        incoming.*, standing.claim_number, standing.version_number, standing.status_code, standing.claim_delivery_order,
        reversed_line.claim_number is not null as is_reversed_by_other,
        $net and (coalesce(increments.has_reversal, false) or coalesce(standing.status_code = '22', false))
            and coalesce(increments.net_charge, 0) <= 0 and coalesce(increments.net_paid, 0) <= 0 as is_netted_out,
        case when $net then increments.net_charge else incoming.charge_amount end as final_charge,
        coalesce(case when $net then increments.net_allowed else incoming.allowed_amount end, 0) as final_allowed,
        coalesce(case when $net then increments.net_paid else incoming.paid_amount end, 0) as final_paid,
        case when $net then increments.net_member
            else coalesce(incoming.copay_amount, 0) + coalesce(incoming.coinsurance_amount, 0)
                + coalesce(incoming.deductible_amount, 0) end as final_member,
        case when $net then increments.net_other else coalesce(incoming.other_payer_amount, 0) end as final_other,
        case when $net then increments.net_units else incoming.units end as final_units
    from standing
    join incoming using (sent_order, row_number)
    left join increments
        on increments.claim_number = standing.claim_number and increments.line_number = standing.line_number
    left join reversed_line
        on reversed_line.claim_number = standing.claim_number and reversed_line.line_number = standing.line_number
),
judged as (
    select
        final.*,
        case
            when is_reversed_by_other or is_netted_out then 'reversed'
            when line_type is not null and kind.code is null then 'denied'
            when coalesce(kind.status, 'paid') = 'void' or bill_type like '__8' then 'void'
            when status_code is not null and claim_state.code is null then 'denied'
            when claim_state.status = 'reversed' and not $net then 'reversed'
            when coalesce(claim_state.status, 'paid') in ('denied', 'void') then claim_state.status
            when upper(denied_line) in ('Y', '1') then 'denied'
            when final_paid <> 0 or coalesce(arrangement.status, '') = 'capitated' then 'paid'
            when final_other > 0 or status_code in ('2', '3', '20', '21') then 'other_payer_paid'
            else 'zero_paid'
        end as line_status,
        case
            when status_code in ('2', '20') then 2
            when status_code in ('3', '21') then 3
            else 1
        end as cob_order,
        coalesce(arrangement.status, '') = 'capitated' as is_capitated
    from final
    left join code_status as kind on kind.list = 'cdl_line_type' and kind.code = upper(final.line_type)
    left join code_status as claim_state on claim_state.list = 'cdl_claim_status' and claim_state.code = final.status_code
    left join code_status as arrangement
        on arrangement.list = 'payment_arrangement' and arrangement.code = final.payment_arrangement
)
select
    claim_ref.claim_id, claim_ref.superseded_by, person_ref.person_id, judged.sent_order, judged.row_number,
    judged.claim_number, judged.line_number,
    judged.line_status, judged.cob_order, judged.is_capitated, judged.version_number, judged.payment_arrangement,
    judged.line_status in ('paid', 'zero_paid', 'other_payer_paid') as is_live,
    judged.from_date, coalesce(judged.thru_date, judged.from_date) as thru_date, judged.admit_date, judged.discharge_date,
    judged.paid_date, judged.bill_type, judged.admission_type, judged.point_of_origin, judged.discharge_status, judged.drg,
    judged.revenue_code, judged.hcpcs, judged.modifiers, judged.place_of_service, judged.ndc,
    case when judged.bill_type is null or judged.rendering_npi <> judged.billing_npi then judged.rendering_npi end as rendering_npi,
    judged.rendering_specialty, judged.billing_npi, judged.billing_tin, judged.attending_npi,
    judged.diagnoses, judged.procedures, judged.final_charge as charge_amount, judged.final_units as units,
    case when line_status in ('paid', 'zero_paid', 'other_payer_paid') then judged.final_allowed else 0 end as allowed_amount,
    case when line_status in ('paid', 'zero_paid', 'other_payer_paid') then judged.final_paid else 0 end as paid_amount,
    case when line_status in ('paid', 'zero_paid', 'other_payer_paid') then judged.final_member else 0 end as member_amount,
    case when line_status in ('paid', 'zero_paid', 'other_payer_paid') then judged.final_other else 0 end as other_payer_amount
from judged
join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'medical'
    and claim_ref.native_claim_id = judged.claim_number and claim_ref.delivery_order = judged.claim_delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = judged.native_person_id
