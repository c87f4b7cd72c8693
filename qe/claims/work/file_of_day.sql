-- Grain: one row per file that came on the same day as another of its source and kind, and so without an order among them; day numbers
-- source, kind and day. Headers and lines of one folder are one.
create temp table file_of_day (day integer, delivery_order integer, name varchar)
