-- Grain: one row per person with at least one month of Medicare Part B in the period whose medical claims we hold.
-- Decides: who is considered (R1) and how many such months there are (R2). Source: method.md, section 2.
with part_b_cover as (                                            -- R2: one payer's cover both has Part B and shows its claims
    select distinct person_id, month
    from member_month
    where month between month_of($period_start) and $period_end
        and medical
        and (part_b or payer_type = 'medicare_advantage')
        and not (coalesce(payer_type, '') = 'medicare' and coalesce(managed_care, false))
),
part_b_month as (                                                 -- person_month counts a month once, whichever payers cover it
    select person_month.person_id, person_month.month, person_month.payer_type
    from person_month
    semi join part_b_cover using (person_id, month)
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
