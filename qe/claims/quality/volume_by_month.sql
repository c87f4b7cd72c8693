-- Grain: one row per source, kind (claim type, pharmacy, membership) and month of service or cover. Live rows only:
-- not superseded, void or reversed; before services of two payers are counted once. rows: claims, fills or member months.
create table volume_by_month as
select source_id, claim_type as kind, cast(date_trunc('month', from_date) as date) as month, count(*) as rows,
    cast(sum(coalesce(paid_amount, 0)) as decimal(18, 2)) as paid_amount
from claim
where superseded_by is null and paid_status not in ('void', 'reversed') and from_date is not null
group by all
union all
select source_id, 'pharmacy', cast(date_trunc('month', fill_date) as date), count(*), cast(sum(coalesce(paid_amount, 0)) as decimal(18, 2))
from pharmacy_fill
where superseded_by is null and coalesce(fill_status, 'paid') not in ('void', 'reversed') and fill_date is not null
group by all
union all
select coalesce(payer_source.source_id, member_month.payer_id, ''), 'membership', cast(date_trunc('month', member_month.month) as date),
    count(distinct member_month.person_id), cast(0 as decimal(18, 2))
from member_month
left join payer_source using (payer_id)
group by all
order by 1, 2, 3
