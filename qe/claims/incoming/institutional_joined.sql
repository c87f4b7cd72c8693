-- Grain: one row per line of a delivered claim; a claim without lines has one row without a line. Joined by claim type and claim number:
-- a number is unique only within its type. Lines whose claim was not delivered are left out (they are orphans).
create or replace temp view incoming as
with header as (
    select base_row.*
    from base_row
    join delivered using (delivery_id, row_number)
    where delivered.is_header and not delivered.is_repeated
),
line as (
    select line_row.*
    from line_row
    join delivered using (delivery_id, row_number)
    where delivered.is_line and not delivered.is_repeated
)
select
    header.* exclude (rendering_npi, from_date),
    coalesce(header.from_date, header.admit_date, header.thru_date) as from_date,
    line.line_number, line.revenue_code, line.line_date, line.hcpcs, line.modifiers, line.units, line.line_charge_amount,
    line.line_paid_amount, line.line_noncovered_amount, line.line_deductible_amount, line.line_coinsurance_amount,
    line.rendering_npi, line.ndc
from header
left join line using (claim_type, native_claim_id)
