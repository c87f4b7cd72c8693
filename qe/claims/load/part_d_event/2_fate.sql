-- Grain: one row per row of the file. Decides: the fill it belongs to, and its fate: kept, superseded by a later delivery, or an older
-- version of an event that its own file repeats.
insert into claim_row
with placed as (
    select
        native_claim_id, delivery_order, sent_order, row_number,
        row_number() over (partition by native_claim_id order by paid_date desc nulls last, row_number) as place
    from incoming
)
select
    'fill', fill_ref.fill_id, placed.sent_order, placed.row_number,
    case
        when placed.place > 1 then 'older_version'
        when fill_ref.superseded_by is not null then 'superseded'
        else 'kept'
    end
from placed
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = placed.native_claim_id
    and fill_ref.delivery_order = placed.delivery_order
