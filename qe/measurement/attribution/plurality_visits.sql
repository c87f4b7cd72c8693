-- Grain: one row per attributed person and level (the clinician, and the group that billed most of that clinician's visits).
-- Decides: who is most responsible for a person's care in the window, by the number of visits, in two steps:
--   step 1  a specialist with at least 2 visits and at least 2 more than any primary care clinician and any other specialist
--   step 2  otherwise the primary care clinician with most visits; a person without one is nobody's
-- A visit is one day with one clinician on which an evaluation and management service was billed (attribution_visit).
-- Primary care: general and family practice, internal, pediatric and geriatric medicine, nurse practitioners, clinical nurse
-- specialists, physician assistants. Specialists: cardiology, neurology, pulmonary disease, nephrology, endocrinology, hematology, oncology.
-- Ties: the latest visit, then more allowed dollars, then the smaller unit_id. The group that billed most of that clinician's visits, likewise.
-- Source: measures_spec.md section 7 and correction 8 (thresholds recalled, to be ticked against the form of the measure CBE 3597).
with visit_line as (
    select
        person_id, clinician_id, group_id, service_date, claim_id, allowed_amount, role <> 'specialist' as is_primary
    from attribution_visit
    where clinician_id is not null
        and (role <> 'specialist' or specialty in ('06', '13', '29', '39', '46', '82', '83', '90'))
),
candidate as (                                                    -- a clinician who bills under both kinds of specialty is primary care
    select
        person_id, clinician_id, bool_or(is_primary) as is_primary, sum(allowed_amount) as allowed_amount,
        count(distinct service_date) as visits, max(service_date) as last_service_date
    from visit_line
    group by person_id, clinician_id
),
contest as (                                                      -- the best of each kind, and the best other specialist
    select
        person_id, clinician_id, is_primary, allowed_amount, visits, last_service_date,
        sum(visits) over (partition by person_id) as all_visits,
        row_number() over kind_order as place,
        lead(clinician_id) over kind_order as next_id,
        lead(visits) over kind_order as next_visits,
        lead(last_service_date) over kind_order as next_date,
        lead(allowed_amount) over kind_order as next_amount
    from candidate
    window kind_order as (partition by person_id, is_primary order by visits desc, last_service_date desc, allowed_amount desc, clinician_id)
),
best as (
    select
        person_id, clinician_id, is_primary, allowed_amount, visits, last_service_date, all_visits, next_id, next_visits, next_date,
        next_amount
    from contest
    where place = 1
),
dominant as (                                                     -- step 1
    select
        specialist.person_id, specialist.clinician_id, specialist.allowed_amount, specialist.visits, specialist.last_service_date,
        specialist.all_visits,
        cast(1 as integer) as step,
        cast(null as varchar) as tie_break,
        case
            when coalesce(primary_care.visits, 0) >= coalesce(specialist.next_visits, 0)
                then coalesce(primary_care.clinician_id, specialist.next_id)
            else specialist.next_id
        end as runner_up_id
    from best as specialist
    left join best as primary_care on primary_care.person_id = specialist.person_id and primary_care.is_primary
    where not specialist.is_primary
        and specialist.visits >= 2
        and specialist.visits >= coalesce(primary_care.visits, 0) + 2
        and specialist.visits >= coalesce(specialist.next_visits, 0) + 2
),
responsible as (
    select person_id, clinician_id, allowed_amount, visits, last_service_date, all_visits, step, tie_break, runner_up_id
    from dominant
    union all
    select                                                        -- step 2
        person_id, clinician_id, allowed_amount, visits, last_service_date, all_visits,
        cast(2 as integer) as step,
        case
            when next_id is null or next_visits < visits then null
            when next_date < last_service_date then 'latest_service'
            when next_amount < allowed_amount then 'allowed_amount'
            else 'unit_id'
        end as tie_break,
        next_id as runner_up_id
    from best
    where is_primary and person_id not in (select person_id from dominant)
),
billing as (
    select
        responsible.person_id, visit_line.group_id, responsible.step, sum(visit_line.allowed_amount) as allowed_amount,
        count(distinct visit_line.service_date) as visits, max(visit_line.service_date) as last_service_date,
        responsible.visits as all_visits
    from responsible
    join visit_line on visit_line.person_id = responsible.person_id and visit_line.clinician_id = responsible.clinician_id
    where visit_line.group_id is not null
    group by responsible.person_id, visit_line.group_id, responsible.step, responsible.visits
),
billing_order as (
    select
        person_id, group_id, step, allowed_amount, visits, last_service_date, all_visits,
        row_number() over group_order as place,
        lead(group_id) over group_order as next_id,
        lead(visits) over group_order as next_visits,
        lead(last_service_date) over group_order as next_date,
        lead(allowed_amount) over group_order as next_amount
    from billing
    window group_order as (partition by person_id order by visits desc, last_service_date desc, allowed_amount desc, group_id)
),
winner as (
    select
        person_id, 'clinician' as level, clinician_id as unit_id, clinician_id, step, allowed_amount, visits, last_service_date,
        all_visits, tie_break, runner_up_id
    from responsible
    union all
    select
        billing_order.person_id, 'group' as level, billing_order.group_id as unit_id, responsible.clinician_id, billing_order.step,
        billing_order.allowed_amount, billing_order.visits, billing_order.last_service_date, billing_order.all_visits,
        case
            when billing_order.next_id is null or billing_order.next_visits < billing_order.visits then null
            when billing_order.next_date < billing_order.last_service_date then 'latest_service'
            when billing_order.next_amount < billing_order.allowed_amount then 'allowed_amount'
            else 'unit_id'
        end as tie_break,
        billing_order.next_id as runner_up_id
    from billing_order
    join responsible on responsible.person_id = billing_order.person_id
    where billing_order.place = 1
),
driving as (                                                      -- the claims of the winner's visits
    select person_id, level, list(claim_id order by service_date, claim_id) as claim_ids
    from (
        select winner.person_id, winner.level, visit_line.claim_id, min(visit_line.service_date) as service_date
        from winner
        join visit_line on visit_line.person_id = winner.person_id and visit_line.clinician_id = winner.clinician_id
        where winner.level = 'clinician' or visit_line.group_id = winner.unit_id
        group by winner.person_id, winner.level, visit_line.claim_id
    ) as known
    group by person_id, level
)
select
    winner.person_id,
    cast(null as varchar) as event_id,
    'plurality_visits' as method,
    winner.level,
    winner.unit_id,
    cast(winner.step as integer) as step,
    cast(winner.allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(winner.visits as integer) as visits,
    winner.last_service_date,
    cast(least(winner.visits, winner.all_visits) / winner.all_visits as decimal(9, 6)) as share,
    cast(1 as integer) as rank,
    cast(1 as decimal(9, 6)) as weight,
    winner.tie_break,
    winner.runner_up_id,
    driving.claim_ids as driving_claim_ids
from winner
join driving using (person_id, level)
order by person_id, level, unit_id
