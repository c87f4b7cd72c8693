-- Grain: one row per staged file of this model; sent_order counts from the oldest. delivery_id: the first digits of its sha256.
create table delivery (delivery_id varchar, source_id varchar, sent_order integer)
