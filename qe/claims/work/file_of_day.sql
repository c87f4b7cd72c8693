-- Grain: one row per file that came on the same day as another of its source and kind, and so without an order among them. day numbers
-- source, kind and day. Files of one place may hold the same claims: headers and lines of one folder, increments of one source.
create temp table file_of_day (day integer, place integer, sent_order integer, name varchar)
