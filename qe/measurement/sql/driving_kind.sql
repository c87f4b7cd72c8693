-- Grain: one row per claim or fill with one of these numbers: claim_id, person_id, kind; a claim before a fill of the same number.
-- Decides: what a number in driving_claim_ids stands for, with the person whose event it is.
select claim_id, person_id, 'claim' as kind
from claim
where claim_id in (select unnest(cast($claim_ids as varchar[])))
union all
select fill_id, person_id, 'fill'
from pharmacy_fill
where fill_id in (select unnest(cast($claim_ids as varchar[])))
order by claim_id, person_id, kind
