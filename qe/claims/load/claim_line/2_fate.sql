-- Grain: one row per row of the file. Decides: the claim that the line belongs to, and its fate: kept, or superseded (by a later
-- delivery, or as the file says); an orphan's claim was not delivered.
insert into claim_row
select
    'claim', claim_ref.claim_id, incoming.sent_order, incoming.row_number,
    case
        when claim_ref.claim_id is null then 'orphan'
        when claim_ref.superseded_by is null and incoming.superseded_by is null then 'kept'
        else 'superseded'
    end
from incoming
left join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'model' and claim_ref.native_claim_id = incoming.claim_id
    and claim_ref.delivery_order = incoming.delivery_order
