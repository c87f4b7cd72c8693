-- Grain: one row per person with at least one month of Medicare Part B in the period whose medical claims we hold.
-- Decides: who is considered (R1) and how many such months there are (R2). Source: method.md, section 2.
with part_b_month as (                                            -- R2: person_month counts a month once, whichever payers cover it
    select person_id, month, payer_type
    from person_month
    where month between month_of($period_start) and $period_end
        and medical
        and (part_b or payer_type = 'medicare_advantage')
        and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
)
select
    person_id as event_id,
    person_id,
    $period_end as index_date,
    arg_max(payer_type, month) as payer_type,
    cast([] as varchar[]) as claim_ids,
    ['R1', 'R2'] as rule_ids,
    cast(count(*) as integer) as part_b_months
from part_b_month
group by person_id
