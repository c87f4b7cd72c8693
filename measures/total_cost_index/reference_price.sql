-- Grain: one row per key under which services have a reference price. Decides: that price, over all services of the model in the period
-- (R13), and the wider one (R14). Millionths of a dollar a unit, rounded down. Source: method.md, section 4.
with paid_service as (                                            -- R13: a price that was put on a capitated service is no price that was paid
    select
        service_key,
        wider_key,
        payer_id,
        provider_id,
        cast(cents as hugeint) * 10000000 // service_units as service_price,
        cast(cents as hugeint) * 10000000 // wider_units as wider_price
    from period_service
    where cents > 0 and not repriced and (service_key is not null or wider_key is not null)
)
select 'service' as breadth, service_key as price_key, cast(quantile_disc(service_price, 0.5) as bigint) as price   -- R13: the lower median
from paid_service
where service_key is not null
group by service_key
having count(*) >= 11 and (count(distinct payer_id) >= 3 or count(distinct provider_id) >= 3)
union all
select 'wider', wider_key, cast(quantile_disc(wider_price, 0.5) as bigint)   -- R14: of the same code, day of care or ingredient
from paid_service
where wider_key is not null
group by wider_key
having count(*) >= 11 and (count(distinct payer_id) >= 3 or count(distinct provider_id) >= 3)
