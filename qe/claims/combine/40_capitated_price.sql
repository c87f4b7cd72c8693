-- Grain: one row per capitated claim line without an amount (working table). Decides: its price is the payer's median allowed amount for
-- code and place, else for the code; else it stays without one. Source: claims_data.md, correction 3.
create or replace temp table capitated_price as
with line as (
    select
        claim_line.claim_id, claim_line.line_number, claim_line.payer_id, claim_line.hcpcs, claim_line.place_of_service,
        claim_line.allowed_amount, coalesce(claim_line.units, 1) as units,
        coalesce(arrangement.status, '') = 'capitated' as is_capitated
    from claim_line
    join claim using (claim_id)
    left join code_status as arrangement
        on arrangement.list = 'payment_arrangement' and arrangement.code = claim.payment_arrangement
    where claim_line.line_status in ('paid', 'zero_paid') and claim_line.hcpcs is not null
        and claim.claim_type in ('professional', 'dme') and claim.superseded_by is null
),
by_place as (
    select payer_id, hcpcs, place_of_service, quantile_disc(allowed_amount, 0.5) as price
    from line where not is_capitated and allowed_amount > 0
    group by payer_id, hcpcs, place_of_service
),
by_code as (
    select payer_id, hcpcs, quantile_disc(allowed_amount, 0.5) as price
    from line where not is_capitated and allowed_amount > 0
    group by payer_id, hcpcs
)
select line.claim_id, line.line_number, coalesce(by_place.price, by_code.price) as price
from line
left join by_place
    on by_place.payer_id = line.payer_id and by_place.hcpcs = line.hcpcs
    and by_place.place_of_service is not distinct from line.place_of_service
left join by_code on by_code.payer_id = line.payer_id and by_code.hcpcs = line.hcpcs
where line.is_capitated and line.allowed_amount = 0 and coalesce(by_place.price, by_code.price) is not null
