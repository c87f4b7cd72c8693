-- Grain: one row per pharmacy claim line after final action. Decides: highest version stands (with adjustment "net", amounts are
-- summed); void (V) and back-out (B) lines and reversed or rejected fills are kept with their status. Source: claims_data.md section 2.
insert into pharmacy_fill
with versioned as (
    select
        *,
        sum(allowed_amount) over whole_fill as net_allowed,
        sum(paid_amount) over whole_fill as net_paid,
        sum(coalesce(copay_amount, 0) + coalesce(coinsurance_amount, 0) + coalesce(deductible_amount, 0)) over whole_fill as net_member
    from pharmacy_version
    where resend = 1
    window whole_fill as (partition by native_fill_id)
),
judged as (
    select
        versioned.*,
        coalesce(case when $net then net_allowed else allowed_amount end, 0) as final_allowed,
        coalesce(case when $net then net_paid else paid_amount end, 0) as final_paid,
        case when $net then net_member
            else coalesce(copay_amount, 0) + coalesce(coinsurance_amount, 0) + coalesce(deductible_amount, 0) end as final_member,
        case
            when versioned.line_type is not null and kind.code is null then 'denied'
            when coalesce(kind.status, 'paid') = 'void' then 'void'
            when nullif(ltrim(reject_code, '0'), '') is not null then 'denied'
            when versioned.record_status is not null and record.code is null then 'denied'
            when coalesce(record.status, 'paid') <> 'paid' then record.status
            when coalesce(case when $net then net_paid else paid_amount end, 0) <> 0 then 'paid'
            when coalesce(other_payer_amount, 0) + coalesce(coordination_amount, 0) > 0 then 'other_payer_paid'
            else 'zero_paid'
        end as fill_status
    from versioned
    left join code_status as kind on kind.list = 'cdl_line_type' and kind.code = upper(versioned.line_type)
    left join code_status as record
        on record.list = 'cdl_record_status' and record.code = upper(ltrim(versioned.record_status, '0'))
    where versioned.place = 1
)
select
    fill_ref.fill_id, $source_id, $payer_id, $payer_type, person_ref.person_id, judged.fill_date, judged.ndc, null,
    case upper(judged.generic_indicator) when 'Y' then 'G' when '1' then 'G' when 'G' then 'G' when 'N' then 'B' when '2' then 'B'
        when 'B' then 'B' end,
    judged.days_supply, judged.quantity, judged.prescriber_npi, judged.pharmacy_npi,
    case when fill_status in ('paid', 'zero_paid', 'other_payer_paid') then judged.final_allowed else 0 end,
    case when fill_status in ('paid', 'zero_paid', 'other_payer_paid') then judged.final_paid else 0 end,
    judged.final_member, judged.fill_status, null, judged.paid_date, judged.version_number, $delivery_id,
    case when coalesce(judged.other_payer_amount, 0) + coalesce(judged.coordination_amount, 0) > 0 then 2 else 1 end,
    fill_ref.superseded_by, null, false
from judged
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = judged.native_fill_id
    and fill_ref.delivery_order = judged.fill_delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = judged.native_person_id
