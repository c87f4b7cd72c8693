-- Grain: one row per claim and line; a claim that came without lines has none. A wholly non-covered line of an outpatient claim is denied; else a line shares its claim's status.
insert into claim_line
with numbered as (
    select
        *,
        row_number() over (partition by claim_type, native_claim_id order by line_number nulls last, row_number) as place
    from incoming
)
select
    header.claim_id, coalesce(numbered.line_number, numbered.place), coalesce(numbered.line_date, numbered.from_date),
    coalesce(numbered.line_date, numbered.thru_date), numbered.revenue_code, numbered.hcpcs, numbered.modifiers,
    numbered.units, null, numbered.rendering_npi, null, null, numbered.ndc, numbered.line_charge_amount,
    case
        when header.claim_type = 'outpatient' and header.paid_status not in ('denied', 'void') and coalesce(
            numbered.line_paid_amount, numbered.line_deductible_amount, numbered.line_coinsurance_amount
        ) is not null
            then coalesce(numbered.line_paid_amount, 0) + coalesce(numbered.line_deductible_amount, 0)
                + coalesce(numbered.line_coinsurance_amount, 0)
    end,
    numbered.line_paid_amount,
    coalesce(numbered.line_deductible_amount, 0) + coalesce(numbered.line_coinsurance_amount, 0),
    case
        when header.paid_status in ('paid', 'zero_paid') and header.claim_type = 'outpatient'
            and coalesce(numbered.line_paid_amount, 0) = 0 and numbered.line_charge_amount > 0
            and numbered.line_noncovered_amount >= numbered.line_charge_amount then 'denied'
        else header.paid_status
    end,
    header.person_id, $payer_id, header.claim_type, header.superseded_by, null, false
from numbered
join institutional_header as header using (claim_type, native_claim_id)
where coalesce(cast(numbered.line_number as varchar), numbered.revenue_code, numbered.hcpcs, numbered.ndc) is not null
