-- Grain: one row per row of the file (working view). Decides: which row of a pharmacy claim line stands (place 1): its highest version,
-- and of a version sent twice the one sent last (resend 1).
create or replace temp view pharmacy_version as
with named as (
    select
        *,
        concat_ws(':', payor, native_claim_id, coalesce(line_number, 1)) as native_fill_id,
        coalesce(version, 0) as version_number
    from incoming
),
sent as (
    select
        *,
        row_number() over (
            partition by native_fill_id, version_number
            order by sent_order desc, paid_date desc nulls last, record_status desc nulls last, paid_amount desc nulls last,
                row_number desc
        ) as resend
    from named
)
select
    *,
    row_number() over (partition by native_fill_id order by version_number desc, resend) as place,
    max(delivery_order) over (partition by native_fill_id) as fill_delivery_order
from sent
