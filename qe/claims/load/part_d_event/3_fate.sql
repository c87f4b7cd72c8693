-- Grain: one row per row of the file. Decides: the fill it belongs to, and its fate: kept, superseded by a later delivery, or an older
-- version of an event that its own file repeats.
insert into claim_row
select
    'fill', fill_ref.fill_id, event_version.sent_order, event_version.row_number,
    case
        when event_version.place > 1 then 'older_version'
        when fill_ref.superseded_by is not null then 'superseded'
        else 'kept'
    end
from event_version
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = event_version.native_claim_id
    and fill_ref.delivery_order = event_version.delivery_order
