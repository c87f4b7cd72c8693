-- Grain: one row per accepted row of the staged file that is attached: its identifying columns.
create or replace temp view incoming as
select identity_row.*
from staged.identity_row
