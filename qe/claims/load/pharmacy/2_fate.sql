-- Grain: one row per fate of the file's rows.
insert into row_fate
with placed as (
    select
        concat_ws(':', payor, native_claim_id, coalesce(line_number, 1)) as fill_number_key, delivery_order,
        row_number() over (
            partition by payor, native_claim_id, coalesce(line_number, 1)
            order by coalesce(version, 0) desc, delivery_order desc, row_number
        ) as place
    from incoming
),
deciding as (
    select fill_number_key, place, max(delivery_order) over (partition by fill_number_key) as fill_delivery_order from placed
)
select
    $delivery_id, $source_id,
    case
        when fill_ref.superseded_by is not null then 'superseded'
        when deciding.place > 1 then 'older_version'
        else 'kept'
    end,
    count(*)
from deciding
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = deciding.fill_number_key
    and fill_ref.delivery_order = deciding.fill_delivery_order
group by all
