-- Grain: one row per fate of the file's rows.
insert into row_fate
with placed as (
    select
        native_claim_id, delivery_order,
        row_number() over (partition by native_claim_id order by paid_date desc nulls last, row_number) as place
    from incoming
)
select
    $delivery_id, $source_id,
    case
        when placed.place > 1 then 'older_version'
        when fill_ref.superseded_by is not null then 'superseded'
        else 'kept'
    end,
    count(*)
from placed
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = placed.native_claim_id
    and fill_ref.delivery_order = placed.delivery_order
group by all
