-- Grain: one row per indicator and adult with at least one month in view. Decides: who is considered (R1), the member months and
-- member years of each indicator (R2, R3), AHRQ's age band (R3) and how much of the year before is in view (R21).
-- Source: method.md, sections 2 and 5; ages of PQI_AREA_MEASURES.SAS v2024.
with indicator as (                                               -- R3: ages at which a member month counts
    select measure_id, age_low, age_high
    from (
        values
            ('pqi_01', 18, 200), ('pqi_03', 18, 200), ('pqi_05', 40, 200), ('pqi_07', 18, 200), ('pqi_08', 18, 200),
            ('pqi_11', 18, 200), ('pqi_12', 18, 200), ('pqi_14', 18, 200), ('pqi_15', 18, 39), ('pqi_16', 18, 200),
            ('pqi_90', 18, 200), ('pqi_91', 18, 200), ('pqi_92', 18, 200), ('pqi_93', 18, 200)
    ) as stated(measure_id, age_low, age_high)
),
seen_month as (                                                   -- R2: months whose hospital claims our sources hold
    select person_id, month
    from person_month
    where hospital
        and month between cast(month_of($period_start) - interval 12 month as date) and $period_end
),
adult as (                                                        -- R1: 18 or over on the last day of the period, or of unknown age
    select seen_month.person_id, person.birth_date, person.sex
    from seen_month
    left join person using (person_id)
    where seen_month.month >= month_of($period_start) and coalesce(age_on(person.birth_date, $period_end) >= 18, true)
    group by all
),
history as (                                                      -- R21: months in view of the 12 before the period
    select person_id, cast(count(*) as integer) as prior_months
    from seen_month
    where month < month_of($period_start)
    group by person_id
),
aged_month as (
    select
        adult.person_id,
        seen_month.month,
        age_on(adult.birth_date, seen_month.month) as age_on_first,
        age_on(adult.birth_date, last_day(seen_month.month)) as age_on_last
    from adult
    join seen_month using (person_id)
    where seen_month.month >= month_of($period_start)
),
age_range as (
    select distinct age_low, age_high
    from indicator
),
member as (                                                       -- R3: of the indicator's age on at least one day of the month
    select
        aged_month.person_id,
        age_range.age_low,
        age_range.age_high,
        cast(count(*) as integer) as member_months,
        greatest(age_range.age_low, max(aged_month.age_on_first)) as age
    from aged_month
    join age_range on aged_month.age_on_last >= age_range.age_low and aged_month.age_on_first <= age_range.age_high
    group by aged_month.person_id, age_range.age_low, age_range.age_high
)
select
    indicator.measure_id,
    adult.person_id as event_id,
    adult.person_id,
    $period_end as index_date,
    cast(                                                         -- R3: millionths of a year, rounded
        cast((coalesce(member.member_months, 0) * 1000000 + 6) // 12 as decimal(18, 0)) * cast(0.000001 as decimal(7, 6))
        as decimal(18, 6)
    ) as exposure,
    cast([] as varchar[]) as claim_ids,
    ['R1', 'R2', 'R3'] as rule_ids,
    coalesce(member.member_months, 0) as member_months,
    case when adult.sex in (1, 2) then adult.sex end as sex,
    case when member.age is not null then cast(least(14, greatest(1, (member.age - 20) // 5 + 1)) as integer) end as age_band,
    coalesce(history.prior_months, 0) as prior_months
from adult
cross join indicator
left join member
    on member.person_id = adult.person_id and member.age_low = indicator.age_low and member.age_high = indicator.age_high
left join history on history.person_id = adult.person_id
