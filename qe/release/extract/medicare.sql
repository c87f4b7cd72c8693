-- Grain: one row per Medicare claim or prescription with one of these numbers: kind, claim_id, person_id.
-- Decides: what of the claims behind a result may be released at all. Source: 42 CFR 401.717(c).
select 'claim' as kind, claim_id, person_id
from claim
where payer_type = 'medicare' and claim_id in (select unnest(cast($claim_ids as varchar[])))
union all
select 'fill', fill_id, person_id
from pharmacy_fill
where payer_type = 'medicare' and fill_id in (select unnest(cast($fill_ids as varchar[])))
order by kind, claim_id
