-- Grain: one row per fate of the file's rows: kept, superseded by a later delivery, an older version of its line, a reversal of another claim.
insert into row_fate
with named as (
    select
        concat_ws(':', payor, native_claim_id) as claim_number, delivery_order,
        ltrim(coalesce(claim_status, ''), '0') = '22'
            and coalesce(cross_reference_claim_id, native_claim_id) <> native_claim_id as is_reversal_of_other
    from incoming
),
row_count as (
    select
        (select count(*) from named) as all_rows,
        (select count(*) from named where is_reversal_of_other) as reversal_rows,
        (
            select count(*)
            from named
            join claim_ref
                on claim_ref.source_id = $source_id and claim_ref.claim_kind = 'medical'
                and claim_ref.native_claim_id = named.claim_number and claim_ref.delivery_order = named.delivery_order
            where not named.is_reversal_of_other and claim_ref.superseded_by is not null
        ) as superseded_rows,
        (select count(*) from medical_line where superseded_by is null) as kept_rows
),
fate as (
    select 'kept' as fate, kept_rows as rows from row_count
    union all
    select 'superseded', superseded_rows from row_count
    union all
    select 'reversal', reversal_rows from row_count
    union all
    select 'older_version', all_rows - kept_rows - superseded_rows - reversal_rows from row_count
)
select $delivery_id, $source_id, fate, rows from fate where rows <> 0
