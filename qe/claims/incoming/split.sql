-- Grain: one row per delivered row of claim headers or lines. Decides: a header or line that one folder holds twice stands as it was sent last;
-- where a later file of the folder states a line of a claim again, it states the claim's lines anew, and none of the earlier file's stands.
create or replace temp view delivered as
with line as (
    select
        claim_type, native_claim_id, delivery_order, delivery_id, row_number, sent_order,
        line_number is not null and row_number() over (same_line order by sent_order desc, row_number desc) > 1 as is_again,
        line_number is not null and max(sent_order) over same_line > sent_order as is_restated
    from line_row
    window same_line as (partition by claim_type, native_claim_id, line_number)
)
select
    claim_type, native_claim_id, delivery_order, delivery_id, row_number, sent_order, true as is_header, false as is_line,
    row_number() over (partition by claim_type, native_claim_id order by sent_order desc, row_number desc) > 1 as is_repeated
from base_row
union all
select
    claim_type, native_claim_id, delivery_order, delivery_id, row_number, sent_order, false, true,
    is_again or bool_or(is_restated) over (partition by claim_type, native_claim_id, sent_order)
from line
