-- Grain: one row per delivered row of claim headers or lines. Decides: a header or line that one folder holds twice stands as it was sent last.
create or replace temp view delivered as
select
    claim_type, native_claim_id, delivery_order, delivery_id, row_number, sent_order, true as is_header, false as is_line,
    row_number() over (partition by claim_type, native_claim_id order by sent_order desc, row_number desc) > 1 as is_repeated
from base_row
union all
select
    claim_type, native_claim_id, delivery_order, delivery_id, row_number, sent_order, false, true,
    line_number is not null and row_number() over (
        partition by claim_type, native_claim_id, line_number order by sent_order desc, row_number desc
    ) > 1
from line_row
