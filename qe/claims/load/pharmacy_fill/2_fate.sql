-- Grain: one row per row of the file. Decides: its fill, and its fate: kept, or superseded (by a later delivery, or as the file says).
insert into claim_row
select
    'fill', fill_ref.fill_id, incoming.sent_order, incoming.row_number,
    case when fill_ref.superseded_by is null and incoming.superseded_by is null then 'kept' else 'superseded' end
from incoming
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = incoming.fill_id
    and fill_ref.delivery_order = incoming.delivery_order
