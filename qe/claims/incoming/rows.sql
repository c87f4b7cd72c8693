-- Grain: one row per accepted row of the staged file that is attached, as it was delivered.
create or replace temp view delivered as
select staged_row.*, current_delivery.delivery_order, current_delivery.sent_order, current_delivery.delivery_id, false as is_repeated
from staged.staged_row
cross join current_delivery
