-- Grain: one row per person with a visit that counts (ed_visit_rate), and one per classified visit (ed_avoidable_share).
-- Decides: the number of visits (R9), the avoidable part of a visit (R12); amount is the allowed amount of the claims,
-- each with the first visit that it bills.
-- Source: method.md, section 4.
with counted_visit as (                                           -- R9: R6 to R8 hold for both measures; without a class a visit still counts
    select event_id, person_id, index_date, claim_ids, avoidable
    from population
    where measure_id = 'ed_avoidable_share' and not is_admitted and age_at_visit >= 18 and is_in_view
),
billed_visit as (                                                 -- a claim over several days bills a visit on each of them
    select counted_visit.event_id, counted_visit.index_date, billed.claim_id
    from counted_visit, unnest(counted_visit.claim_ids) as billed(claim_id)
),
first_billed as (
    select claim_id, arg_min(event_id, (index_date, event_id)) as event_id
    from billed_visit
    group by claim_id
),
visit_amount as (
    select first_billed.event_id, sum(claim.allowed_amount) as allowed_amount
    from first_billed
    join claim using (claim_id)
    group by first_billed.event_id
),
person_visits as (
    select
        counted_visit.person_id,
        count(*) as visits,
        cast(count(*) filter (where counted_visit.avoidable is null) as integer) as unclassified_visits,
        flatten(list(counted_visit.claim_ids order by counted_visit.index_date, counted_visit.event_id)) as claim_ids,
        sum(visit_amount.allowed_amount) as amount
    from counted_visit
    left join visit_amount using (event_id)
    group by counted_visit.person_id
)
select
    'ed_visit_rate' as measure_id,
    population.event_id,
    cast(person_visits.visits as decimal(18, 6)) as value,
    cast(person_visits.amount as decimal(14, 2)) as amount,
    ['R5', 'R9'] as rule_ids,
    person_visits.claim_ids,
    person_visits.unclassified_visits
from person_visits
join population on population.measure_id = 'ed_visit_rate' and population.person_id = person_visits.person_id
union all
select
    'ed_avoidable_share',
    population.event_id,
    population.avoidable,                                         -- R12: non-emergent and primary-care treatable probabilities together
    cast(visit_amount.allowed_amount as decimal(14, 2)),
    ['R12'],
    cast([] as varchar[]),
    cast(null as integer)
from population
left join visit_amount using (event_id)
where population.measure_id = 'ed_avoidable_share' and population.avoidable is not null
