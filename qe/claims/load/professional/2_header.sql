-- Grain: one row per claim of the file (working table). Amounts are sums of the payable lines.
create or replace temp table professional_header as
with summed as (
    select
        claim_id, sum(charge_amount) as charge_amount, sum(allowed_amount) as allowed_amount,
        sum(paid_amount) as paid_amount, sum(member_amount) as member_amount,
        sum(primary_payer_amount) as primary_payer_amount,
        case
            when bool_or(line_status = 'paid') then 'paid'
            when bool_or(line_status = 'other_payer_paid') then 'other_payer_paid'
            when bool_or(line_status = 'zero_paid') then 'zero_paid'
            when bool_and(line_status = 'void') then 'void'
            else 'denied'
        end as paid_status,
        min(primary_payer_code) as primary_payer_code,
        max(claim_paid_amount) as stated_paid_amount
    from professional_line
    group by claim_id
)
select
    line.claim_id, line.superseded_by, line.person_id, line.claim_type, line.from_date, line.thru_date, line.paid_date,
    line.delivery_id, line.organisation_npi, line.rendering_tin, line.diagnoses, summed.charge_amount, summed.allowed_amount,
    summed.paid_amount, summed.member_amount, summed.primary_payer_amount, summed.paid_status, summed.primary_payer_code,
    summed.stated_paid_amount,
    case when coalesce(payer.status, 'primary') = 'secondary' then 2 else 1 end as cob_order
from professional_line as line
join summed using (claim_id)
left join code_status as payer on payer.list = 'primary_payer' and payer.code = summed.primary_payer_code
where line.place = 1
