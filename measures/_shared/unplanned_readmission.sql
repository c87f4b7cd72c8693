-- Grain: one row per stay considered. Decides: the first stay that follows within 30 days (R18, R19), whether a stay is planned
-- (R20 to R23, judged_stay.sql) and the outcome (R24). Columns of its own: planned (of this stay itself), outcome_event_id, following_stay_id,
-- days_to_following. Source: section 4 of method.md; planned readmission algorithm version 4.0.
with following as (                                               -- R18: days 0 to 30; R19: at any acute hospital, any payer
    select
        population.event_id,
        next_stay.stay_id,
        next_stay.claim_ids,
        next_stay.admit_date - population.discharge_date as days,
        row_number() over (
            partition by population.event_id
            order by next_stay.admit_date, next_stay.discharge_date nulls last, next_stay.stay_id
        ) as place
    from population
    join stay as next_stay
        on next_stay.person_id = population.person_id
        and next_stay.is_acute
        and next_stay.admit_date between population.discharge_date and population.discharge_date + 30
        and next_stay.stay_id <> population.event_id
        and (
            next_stay.admit_date > population.admit_date
            or coalesce(next_stay.discharge_date, next_stay.admit_date + 1) > population.discharge_date
            or (next_stay.discharge_date = population.discharge_date and next_stay.stay_id > population.event_id)
        )
),
first_following as (
    select event_id, stay_id, claim_ids, days
    from following
    where place = 1
),
judged as (                                                       -- R20, R21, R22; R23: without a category never by R22
    select stay_id, case planned_by when 'always' then 'R20' when 'delivery' then 'R21' when 'potential' then 'R22' end as planned_by
    from judged_stay
)
select
    population.event_id,
    cast(case when first_following.stay_id is not null and following_judged.planned_by is null then 1 else 0 end as decimal(18, 6)) as value,
    case                                                          -- R24: one outcome, judged on the first stay that follows
        when first_following.stay_id is null then ['R18']
        when following_judged.planned_by is null then ['R18', 'R19', 'R24']
        else ['R18', 'R19', following_judged.planned_by, 'R24']
    end as rule_ids,
    case
        when first_following.stay_id is not null and following_judged.planned_by is null then first_following.claim_ids
        else cast([] as varchar[])
    end as claim_ids,
    own_judged.planned_by is not null as planned,
    case
        when first_following.stay_id is not null and following_judged.planned_by is null
            then coalesce(transfer_chain.chain_id, first_following.stay_id)
    end as outcome_event_id,
    first_following.stay_id as following_stay_id,
    cast(first_following.days as integer) as days_to_following
from population
join judged as own_judged on own_judged.stay_id = population.event_id
left join first_following on first_following.event_id = population.event_id
left join judged as following_judged on following_judged.stay_id = first_following.stay_id
left join transfer_chain on transfer_chain.stay_id = first_following.stay_id
