-- Grain: one row per row of the file. Decides: the fill it belongs to, and its fate: kept, superseded by a later delivery, or an older
-- version (the order of versions is that of 1_fill.sql; with adjustment "net" older ones keep their part of the amounts).
insert into claim_row
with placed as (
    select
        concat_ws(':', payor, native_claim_id, coalesce(line_number, 1)) as fill_number_key, delivery_order, sent_order, row_number,
        row_number() over (
            partition by concat_ws(':', payor, native_claim_id, coalesce(line_number, 1))
            order by coalesce(version, 0) desc, sent_order desc, paid_date desc nulls last, record_status desc nulls last,
                paid_amount desc nulls last, row_number desc
        ) as place
    from incoming
),
deciding as (
    select
        fill_number_key, sent_order, row_number, place,
        max(delivery_order) over (partition by fill_number_key) as fill_delivery_order
    from placed
)
select
    'fill', fill_ref.fill_id, deciding.sent_order, deciding.row_number,
    case
        when fill_ref.superseded_by is not null then 'superseded'
        when deciding.place > 1 then 'older_version'
        else 'kept'
    end
from deciding
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = deciding.fill_number_key
    and fill_ref.delivery_order = deciding.fill_delivery_order
