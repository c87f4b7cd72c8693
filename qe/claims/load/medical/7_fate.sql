-- Grain: one row per row of the file. Decides: the claim it belongs to (a reversal: the one that it takes back) and its fate: kept,
-- superseded by a later delivery, an older version of its line (with adjustment "net" it keeps its part of the amounts), a reversal.
insert into claim_row
with named as (
    select
        sent_order, row_number, delivery_order,
        concat_ws(':', payor, native_claim_id) as claim_number,
        concat_ws(':', payor, cross_reference_claim_id) as cross_number,
        ltrim(coalesce(claim_status, ''), '0') = '22'
            and coalesce(cross_reference_claim_id, native_claim_id) <> native_claim_id as is_reversal_of_other
    from incoming
)
select
    'claim', claim_ref.claim_id, named.sent_order, named.row_number,
    case
        when claim_ref.superseded_by is not null then 'superseded'
        when medical_line.row_number is not null then 'kept'
        else 'older_version'
    end
from named
left join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'medical'
    and claim_ref.native_claim_id = named.claim_number and claim_ref.delivery_order = named.delivery_order
left join medical_line on medical_line.sent_order = named.sent_order and medical_line.row_number = named.row_number
where not named.is_reversal_of_other
union all
select 'claim', claim_ref.claim_id, named.sent_order, named.row_number, 'reversal'
from named
left join claim_ref
    on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'medical'
    and claim_ref.native_claim_id = named.cross_number and claim_ref.superseded_by is null
where named.is_reversal_of_other
