-- Grain: one row per person with at least one fill of a drug on the list target_drug in the calendar year.
-- Decides: who is considered (R1, R2), the treatment period (R3) and the enrolment gaps inside it (R8).
-- Source: method.md, sections 2 and 3, of each measure that names this file.
with target_product as (
    select distinct ingredients from listed_product where list_name = 'target_drug'
),
target_fill as (                                                  -- R1: a fill with no supply covers no day and does not count
    select fill.fill_id, fill.person_id, fill.fill_date
    from fill
    join target_product using (ingredients)
    where fill.fill_date between $period_start and $period_end and fill.days_supply >= 1
),
index_fill as (
    select
        person_id,
        min(fill_date) as index_date,
        count(distinct fill_date) as fill_dates,
        list(fill_id order by fill_date, fill_id) as claim_ids
    from target_fill
    group by person_id
),
enrolled_span as (                                                -- days enrolled with pharmacy benefits we can see; a month covered in part keeps its part
    select distinct
        person_month.person_id,
        person_month.month,
        greatest(person_month.month, coalesce(member_month.covered_from, person_month.month)) as first_day,
        least(last_day(person_month.month), coalesce(member_month.covered_to, last_day(person_month.month))) as last_day
    from person_month
    left join member_month
        on member_month.person_id = person_month.person_id
        and member_month.month = person_month.month
        and (member_month.pharmacy or member_month.part_d)
    where person_month.pharmacy and person_month.month between $period_start and $period_end
),
treatment as (                                                    -- R3: first fill to the earliest of year end, death, last enrolled day
    select
        index_fill.person_id,
        index_fill.index_date,
        least(
            $period_end,
            coalesce(min(person.death_date), $period_end),
            coalesce(max(enrolled_span.last_day), index_fill.index_date - 1)
        ) as treatment_end
    from index_fill
    left join person using (person_id)
    left join enrolled_span using (person_id)
    group by index_fill.person_id, index_fill.index_date
),
clipped_span as (                                                 -- enrolled days inside the treatment period
    select
        treatment.person_id,
        treatment.index_date,
        enrolled_span.month,
        greatest(enrolled_span.first_day, treatment.index_date) as first_day,
        least(enrolled_span.last_day, treatment.treatment_end) as last_day
    from treatment
    join enrolled_span
        on enrolled_span.person_id = treatment.person_id
        and enrolled_span.last_day >= treatment.index_date
        and enrolled_span.first_day <= treatment.treatment_end
),
span_or_end as (
    select person_id, index_date, month, first_day, last_day from clipped_span
    union all
    select person_id, index_date, cast(null as date), treatment_end + 1, treatment_end + 1 from treatment
),
span_gap as (                                                     -- R8: days before each span, and before the end, that no earlier span covers
    select
        person_id,
        first_day - 1 - coalesce(
            max(last_day) over (
                partition by person_id order by first_day, last_day, month
                rows between unbounded preceding and 1 preceding
            ),
            index_date - 1
        ) as days
    from span_or_end
),
gap as (
    select person_id, count(*) as gaps, max(days) as longest_gap_days
    from span_gap
    where days > 0
    group by person_id
)
select
    index_fill.person_id as event_id,
    index_fill.person_id,
    index_fill.index_date,
    index_month.payer_type,
    index_fill.claim_ids,
    ['R1', 'R2', 'R3'] as rule_ids,
    treatment.treatment_end,
    cast(greatest(0, treatment.treatment_end - index_fill.index_date + 1) as integer) as treatment_days,
    index_fill.fill_dates,
    coalesce(gap.gaps, 0) as gaps,
    coalesce(gap.longest_gap_days, 0) as longest_gap_days
from index_fill
join treatment using (person_id)
left join gap using (person_id)
left join person_month as index_month
    on index_month.person_id = index_fill.person_id
    and index_month.month = month_of(index_fill.index_date)
