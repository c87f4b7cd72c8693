-- Grain: one row per delivery and fate of its rows, as they were delivered: kept, superseded by a later delivery, an older version of a row
-- that its own delivery repeats, or an orphan (a line or segment whose claim was not delivered).
insert into row_fate
select
    delivered.delivery_id, $source_id,
    case
        when claim_ref.claim_id is null then 'orphan'
        when delivered.is_repeated then 'older_version'
        when claim_ref.superseded_by is not null then 'superseded'
        else 'kept'
    end,
    count(*)
from delivered
left join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = delivered.claim_type
    and claim_ref.native_claim_id = delivered.native_claim_id and claim_ref.delivery_order = delivered.delivery_order
group by all
