-- Grain: one row per accepted row of the staged file that is attached.
create or replace temp view incoming as
select staged_row.*, current_delivery.delivery_order, current_delivery.sent_order
from staged.staged_row
cross join current_delivery
