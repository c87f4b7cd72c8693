-- Grain: one row: the delivery whose rows are being read. Files that are loaded together share one delivery_order.
create temp table current_delivery (delivery_order integer, sent_order integer, delivery_id varchar)
