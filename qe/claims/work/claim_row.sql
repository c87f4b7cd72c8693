-- Grain: one row per accepted row of a file with claims or fills, in the file that stands at that place of `delivery`. Says which claim
-- or fill the row belongs to (none: an orphan) and what became of it; row_number is its line in the file as received.
-- kind: claim or fill. Every number of a report can be followed to lines by this table, and the fates of rows are counted from it.
create table claim_row (kind varchar, claim_id varchar, sent_order integer, row_number bigint, fate varchar)
