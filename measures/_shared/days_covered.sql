-- Grain: one row per person of the population. Decides: days covered by a target drug and whether the person is adherent (R11 to R16).
-- Each ingredient of the list target_drug has a ledger of its own. In a ledger the last covered day of fill k is
--   max over j <= k of (fill date j - supply before j) + supply through k - 1,
-- which carries every surplus day forward. Source: method.md, section 4, of each measure that names this file.
with product_target as (                                               -- R2: every target drug of a product, as in drug_treatment.sql
    select distinct ingredients, ingredient from listed_product where list_name = 'target_drug'
),
ledger_fill as (                                                  -- R11: one ingredient on one day keeps its longest supply
    select
        population.event_id,
        population.index_date,
        population.treatment_end,
        product_target.ingredient,
        fill.fill_date,
        max(fill.days_supply) as days_supply
    from population
    join fill on fill.person_id = population.person_id
    join product_target using (ingredients)
    where fill.fill_date between $period_start and $period_end and fill.days_supply >= 1
    group by all
),
running_supply as (
    select
        event_id, index_date, treatment_end, ingredient, fill_date, days_supply,
        cast(sum(days_supply) over (partition by event_id, ingredient order by fill_date) as integer) as supply_through
    from ledger_fill
),
shifted as (                                                      -- R12: an early refill starts after the supply in hand ends
    select
        event_id, index_date, treatment_end, ingredient, days_supply,
        max(fill_date - (supply_through - days_supply)) over (partition by event_id, ingredient order by fill_date)
            + supply_through - 1 as last_day
    from running_supply
),
covered_span as (                                                 -- R14: only days of the treatment period count
    select
        event_id,
        ingredient,
        greatest(last_day - days_supply + 1, index_date) as first_day,
        least(last_day, treatment_end) as last_day
    from shifted
    where last_day - days_supply + 1 <= treatment_end and last_day >= index_date
),
new_days as (                                                     -- R13: a day counts once, whichever ledgers cover it
    select
        event_id,
        last_day - greatest(
            first_day,
            coalesce(
                max(last_day) over (
                    partition by event_id order by first_day, last_day, ingredient
                    rows between unbounded preceding and 1 preceding
                ) + 1,
                first_day
            )
        ) + 1 as days
    from covered_span
),
covered as (
    select event_id, cast(sum(greatest(0, days)) as integer) as days_covered
    from new_days
    group by event_id
),
stay_day as (                                                     -- R16: days in hospital or skilled nursing, the day of discharge not
    select distinct
        population.event_id,
        cast(unnest(generate_series(
            greatest(stay.admit_date, population.index_date),
            least(stay.discharge_date - 1, population.treatment_end),
            interval 1 day
        )) as date) as day
    from population
    join stay on stay.person_id = population.person_id
    where $ip_snf_adjust = 'on'
        and stay.admit_date <= population.treatment_end
        and stay.discharge_date > population.index_date
),
covered_day as (
    select distinct
        covered_span.event_id,
        cast(unnest(generate_series(covered_span.first_day, covered_span.last_day, interval 1 day)) as date) as day
    from covered_span
    where covered_span.event_id in (select event_id from stay_day)
),
treatment_day as (
    select
        population.event_id,
        cast(unnest(generate_series(population.index_date, population.treatment_end, interval 1 day)) as date) as day
    from population
    where population.event_id in (select event_id from stay_day)
),
walk as (                                                         -- +1: a covered day in a stay is put aside; -1: an uncovered day asks for one
    select
        treatment_day.event_id,
        treatment_day.day,
        stay_day.day is not null as in_stay,
        covered_day.day is not null as is_covered,
        sum(case
            when stay_day.day is not null and covered_day.day is not null then 1
            when stay_day.day is null and covered_day.day is null then -1
            else 0
        end) over (partition by treatment_day.event_id order by treatment_day.day) as put_aside
    from treatment_day
    left join stay_day on stay_day.event_id = treatment_day.event_id and stay_day.day = treatment_day.day
    left join covered_day on covered_day.event_id = treatment_day.event_id and covered_day.day = treatment_day.day
),
adjusted as (                                                     -- days not in a stay less those that found nothing put aside
    select
        event_id,
        cast(count(*) filter (where not in_stay) as integer) as period_days,
        cast(count(*) filter (where not in_stay) + least(0, min(put_aside)) as integer) as days_covered
    from walk
    group by event_id
),
counted as (
    select
        population.event_id,
        coalesce(adjusted.period_days, population.treatment_days) as period_days,
        coalesce(adjusted.days_covered, covered.days_covered, 0) as days_covered,
        adjusted.event_id is not null as is_adjusted
    from population
    left join covered using (event_id)
    left join adjusted using (event_id)
)
select
    event_id,
    cast(case when period_days > 0 and days_covered * 5 >= period_days * 4 then 1 else 0 end as decimal(18, 6)) as value,  -- R15: 0.80, unrounded
    case when is_adjusted then ['R11', 'R12', 'R13', 'R14', 'R15', 'R16'] else ['R11', 'R12', 'R13', 'R14', 'R15'] end as rule_ids,
    cast([] as varchar[]) as claim_ids,
    period_days,
    days_covered
from counted
