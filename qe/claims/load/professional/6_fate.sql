-- Grain: one row per fate of the file's rows.
insert into row_fate
select $delivery_id, $source_id, case when superseded_by is null then 'kept' else 'superseded' end, count(*)
from professional_line
group by all
