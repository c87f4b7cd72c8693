-- Grain: one row per claim or fill that the data are about: number, source, payer and person. Decides: which claims and fills count.
-- Those of the chosen sources with their first day in the span, of everybody or of $person_ids; final ones alone, as measures read them:
-- no superseded version and no copy of another payer's claim. Source: 42 CFR 401.718.
create or replace temp table released_row as
select 'claim' as kind, claim_id as number, source_id, payer_id, person_id
from claim
where $with_claims and from_date between $start and $end and superseded_by is null and duplicate_of is null
    and source_id in (select unnest(cast($sources as varchar[])))
    and ($person_ids is null or person_id in (select unnest(cast($person_ids as varchar[]))))
union all
select 'fill', fill_id, source_id, payer_id, person_id
from pharmacy_fill
where $with_fills and fill_date between $start and $end and superseded_by is null and duplicate_of is null
    and source_id in (select unnest(cast($sources as varchar[])))
    and ($person_ids is null or person_id in (select unnest(cast($person_ids as varchar[]))))
