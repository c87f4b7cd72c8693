-- Grain: one row per row of the file, as it was delivered. Decides: the claim it belongs to, and its fate: kept, superseded by a later
-- delivery, an older version of a row that its own delivery repeats, or an orphan (a line or segment whose claim was not delivered).
insert into claim_row
select
    'claim', claim_ref.claim_id, delivered.sent_order, delivered.row_number,
    case
        when claim_ref.claim_id is null then 'orphan'
        when delivered.is_repeated then 'older_version'
        when claim_ref.superseded_by is not null then 'superseded'
        else 'kept'
    end
from delivered
left join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = delivered.claim_type
    and claim_ref.native_claim_id = delivered.native_claim_id and claim_ref.delivery_order = delivered.delivery_order
