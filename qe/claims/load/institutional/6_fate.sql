-- Grain: one row per fate of the file's rows.
insert into row_fate
select $delivery_id, $source_id, case when header.superseded_by is null then 'kept' else 'superseded' end, count(*)
from incoming
join institutional_header as header using (claim_type, native_claim_id)
group by all
