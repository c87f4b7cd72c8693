-- Grain: one row per staged file of this run; delivery_order counts from the oldest.
create temp table delivery (delivery_id varchar, source_id varchar, delivery_order integer)
