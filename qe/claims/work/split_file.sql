-- Grain: one row per folder of claim headers and lines in two files: headers without any line, and lines without their header.
create table split_file (delivery_id varchar, source_id varchar, headers bigint, headers_without_lines bigint, lines bigint, orphan_lines bigint)
