-- Grain: one row per folder whose claim headers and lines came in two files.
insert into split_file
with header as (
    select distinct claim_type, native_claim_id from base_row
),
with_lines as (
    select distinct claim_type, native_claim_id from line_row
)
select
    $delivery_id, $source_id, (select count(*) from header), (select count(*) from header anti join with_lines using (claim_type, native_claim_id)),
    (select count(*) from line_row), (select count(*) from line_row anti join header using (claim_type, native_claim_id))
