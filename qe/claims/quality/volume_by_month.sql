-- Grain: one row per source, kind (claim type, pharmacy, membership) and month of service or cover; month NULL: all that lies outside
-- the months of the source's period, so that a date such as 9999-12-31 makes no month. Live rows only: not superseded, void or
-- reversed; before services of two payers are counted once. rows: claims, fills or member months.
create table volume_by_month as
with dated as (
    select source_id, claim_type as kind, from_date as day, paid_amount
    from claim
    where superseded_by is null and paid_status not in ('void', 'reversed') and from_date is not null
    union all
    select source_id, 'pharmacy', fill_date, paid_amount
    from pharmacy_fill
    where superseded_by is null and coalesce(fill_status, 'paid') not in ('void', 'reversed') and fill_date is not null
    union all
    select coalesce(payer_source.source_id, person_month.payer_id, ''), 'membership', person_month.month, 0
    from (select distinct payer_id, person_id, date_trunc('month', month) as month from member_month) as person_month
    left join payer_source using (payer_id)
),
placed as (
    select
        dated.source_id,
        dated.kind,
        case
            when dated.day between coalesce(date_trunc('month', source_period.start_date), dated.day)
                and coalesce(last_day(source_period.end_date), dated.day)
            then cast(date_trunc('month', dated.day) as date)
        end as month,
        dated.paid_amount
    from dated
    left join source_period using (source_id)
)
select
    source_id,
    kind,
    month,
    count(*) as rows,
    cast(sum(coalesce(paid_amount, 0)) as decimal(18, 2)) as paid_amount
from placed
group by source_id, kind, month
order by source_id, kind, month
