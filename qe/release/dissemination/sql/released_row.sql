-- Grain: one row per claim or fill with a row in a chosen table: its number, source, payer and person. Decides: which claims and fills
-- the data are about, and so whose data they are. Those of the chosen sources that begin in the span, of everybody or of $person_ids; final
-- ones alone, as measures read them: no superseded version and no copy of another payer's claim. Source: 42 CFR 401.718.
create or replace temp table released_row as
with told as (                                                    -- claims of which a chosen table tells something
    select claim_id from claim where list_contains($tables, 'claim')
    union
    select claim_id from claim_line
    where list_contains($tables, 'claim_line') and superseded_by is null and duplicate_of is null
    union
    select claim_id from claim_diagnosis where list_contains($tables, 'claim_diagnosis')
    union
    select claim_id from claim_procedure where list_contains($tables, 'claim_procedure')
)
select 'claim' as kind, claim_id as number, source_id, payer_id, person_id
from claim
semi join told using (claim_id)
where from_date between $start and $end and superseded_by is null and duplicate_of is null
    and source_id in (select unnest(cast($sources as varchar[])))
    and ($person_ids is null or person_id in (select unnest(cast($person_ids as varchar[]))))
union all
select 'fill', fill_id, source_id, payer_id, person_id
from pharmacy_fill
where list_contains($tables, 'pharmacy_fill') and fill_date between $start and $end and superseded_by is null and duplicate_of is null
    and source_id in (select unnest(cast($sources as varchar[])))
    and ($person_ids is null or person_id in (select unnest(cast($person_ids as varchar[]))))
