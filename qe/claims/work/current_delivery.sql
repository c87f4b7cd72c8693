-- Grain: one row: the delivery whose rows are being read. Files that are loaded together share one delivery_order.
-- crosswalk is the version that its beneficiaries' ids are looked up in, where its source has any.
create temp table current_delivery (
    delivery_order integer, sent_order integer, delivery_id varchar, source_id varchar, crosswalk varchar
)
