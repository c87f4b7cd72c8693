-- Grain: one row: the delivery whose rows are being read. All files of a source with adjustment "net" share one delivery_order.
create temp table current_delivery (delivery_order integer, sent_order integer)
