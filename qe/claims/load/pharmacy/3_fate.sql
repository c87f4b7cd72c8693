-- Grain: one row per row of the file. Decides: the fill it belongs to, and its fate: kept, superseded by a later delivery, or an older
-- version (with adjustment "net" older ones keep their part of the amounts).
insert into claim_row
select
    'fill', fill_ref.fill_id, pharmacy_version.sent_order, pharmacy_version.row_number,
    case
        when fill_ref.superseded_by is not null then 'superseded'
        when pharmacy_version.place > 1 then 'older_version'
        else 'kept'
    end
from pharmacy_version
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = pharmacy_version.native_fill_id
    and fill_ref.delivery_order = pharmacy_version.fill_delivery_order
