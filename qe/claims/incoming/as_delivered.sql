-- Grain: one row per accepted row: files whose rows are what is loaded.
create or replace temp view incoming as
select delivered.* exclude (is_repeated)
from delivered
