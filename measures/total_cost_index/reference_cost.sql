-- Grain: one row per service of the period. Decides: which reference price it takes (R13, R14), and which keep their own amount (R15).
-- Source: method.md, section 4.
with service_price as (
    select price_key, price
    from reference_price
    where breadth = 'service'
),
wider_price as (
    select price_key, price
    from reference_price
    where breadth = 'wider'
)
select
    service.person_id,
    service.service_date,
    service.event_kind,
    service.claim_id,
    service.service_category,
    cast(
        cast(
            case
                when service.cents <= 0 then service.cents        -- R15: nothing was allowed, or more was taken back than is in view
                when service_price.price is not null
                    then (cast(service_price.price as hugeint) * service.service_units + 5000000) // 10000000
                when wider_price.price is not null
                    then (cast(wider_price.price as hugeint) * service.wider_units + 5000000) // 10000000
                else service.cents
            end as decimal(18, 0)
        ) * cast(0.01 as decimal(3, 2)) as decimal(14, 2)
    ) as reference_amount,
    case
        when service.cents <= 0 then 'unstandardised'
        when service_price.price is not null then 'service'
        when wider_price.price is not null then service.wider_method
        else 'unstandardised'
    end as method
from period_service as service
left join service_price on service_price.price_key = service.service_key
left join wider_price on wider_price.price_key = service.wider_key
