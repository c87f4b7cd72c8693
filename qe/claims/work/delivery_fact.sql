-- Grain: one row per delivery that brings claims or fills: its accepted rows, which the fates of rows must add up to.
create table delivery_fact (delivery_id varchar, source_id varchar, rows_accepted bigint)
