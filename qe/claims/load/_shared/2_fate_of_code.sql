-- Grain: one row per diagnosis or procedure of the file. Decides: the claim that it belongs to, and its fate; an orphan's claim was not delivered.
insert into claim_row
select
    'claim', claim_ref.claim_id, incoming.sent_order, incoming.row_number,
    case
        when claim_ref.claim_id is null then 'orphan'
        when claim_ref.superseded_by is null then 'kept'
        else 'superseded'
    end
from incoming
left join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'model' and claim_ref.native_claim_id = incoming.claim_id
    and claim_ref.delivery_order = incoming.delivery_order
