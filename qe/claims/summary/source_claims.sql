-- Grain: one row per source and claim type: claims and dollars after final action, before services seen by two payers are counted once.
create table source_claims as
select source_id, claim_type, count(*) as claims, cast(sum(coalesce(paid_amount, 0)) as decimal(14, 2)) as paid_amount
from claim
where superseded_by is null and paid_status not in ('void', 'reversed')
group by source_id, claim_type
union all
select source_id, 'pharmacy', count(*), cast(sum(coalesce(paid_amount, 0)) as decimal(14, 2))
from pharmacy_fill
where superseded_by is null and fill_status not in ('void', 'reversed')
group by source_id
order by source_id, claim_type
