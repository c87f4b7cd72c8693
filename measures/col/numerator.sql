-- Grain: one row per person of the population. Decides: the tests (R10), how far back each counts (R11), which lines tell of one (R12)
-- and how many years the data see (R13). Source: method.md, section 4.
with test_kind as (                                               -- R11: the first day on which a test still counts
    select test, lists, first_day, place
    from (
        values
            ('colonoscopy', ['colonoscopy', 'colonoscopy_public'], cast($period_start - interval 9 year as date), 1),
            ('ct_colonography', ['ct_colonography'], cast($period_start - interval 4 year as date), 2),
            ('sigmoidoscopy', ['sigmoidoscopy', 'sigmoidoscopy_public'], cast($period_start - interval 4 year as date), 3),
            ('stool_dna_test', ['stool_dna_test'], cast($period_start - interval 2 year as date), 4),
            ('stool_blood_test', ['stool_blood_test', 'stool_blood_test_public'], $period_start, 5)
    ) as kind(test, lists, first_day, place)
),
screening as (                                                    -- R10, R12: service_line holds what was not denied, once across payers
    select distinct
        population.event_id, test_kind.test, test_kind.place, service_line.service_date, service_line.claim_id
    from population
    join service_line on service_line.person_id = population.person_id
    join value_set on value_set.code = service_line.hcpcs
    join test_kind
        on list_contains(test_kind.lists, value_set.name)
        and service_line.service_date between test_kind.first_day and $period_end
    where service_line.claim_type in ('professional', 'outpatient')
),
chosen as (                                                       -- the test that reaches furthest, its latest day
    select event_id, test, service_date
    from (
        select
            event_id, test, service_date,
            row_number() over (partition by event_id order by place, service_date desc, claim_id) as rank
        from screening
    )
    where rank = 1
),
told as (
    select
        chosen.event_id, chosen.test, chosen.service_date,
        list(screening.claim_id order by screening.service_date, screening.claim_id) as claim_ids
    from chosen
    join screening using (event_id, test, service_date)
    group by chosen.event_id, chosen.test, chosen.service_date
),
seen_year as (                                                    -- R13: 0 is the period, 9 the ninth year before it
    select
        population.event_id,
        cast(count(distinct months_between(person_month.month, month_of($period_end)) // 12) as integer) as years_seen
    from population
    join person_month on person_month.person_id = population.person_id
    where person_month.medical
        and not (coalesce(person_month.payer_type, '') = 'medicare' and coalesce(person_month.managed_care, false))
        and person_month.month between month_of(cast($period_start - interval 9 year as date)) and $period_end
    group by population.event_id
)
select
    population.event_id,
    cast(case when told.event_id is null then 0 else 1 end as decimal(18, 6)) as value,
    case when told.event_id is null then ['R13'] else ['R10', 'R11', 'R12', 'R13'] end as rule_ids,
    coalesce(told.claim_ids, cast([] as varchar[])) as claim_ids,
    told.test,
    told.service_date as screened_on,
    coalesce(seen_year.years_seen, 0) as years_seen
from population
left join told using (event_id)
left join seen_year using (event_id)
