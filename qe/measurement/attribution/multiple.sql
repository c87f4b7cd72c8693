-- Grain: one row per person, level (group, clinician) and unit that shares the person.
-- Decides: who shares responsibility for a person in the window: every group, and every clinician, with at least 30 % of the person's
-- evaluation and management visits (attribution_visit). A visit is one day with one unit. Those who reach it share the person by their
-- visits, and their weights add up to 1 exactly; a person of whom nobody has 30 % is nobody's.
-- Rank: most visits, then the latest, then more allowed dollars, then the smaller unit_id.
-- Source: statistics.md section 4 C and F (threshold as for shared responsibility in episodes).
with unit_line as (
    select person_id, 'clinician' as level, clinician_id as unit_id, service_date, claim_id, allowed_amount
    from attribution_visit
    union all
    select person_id, 'group' as level, group_id as unit_id, service_date, claim_id, allowed_amount
    from attribution_visit
),
candidate as (
    select
        person_id, level, unit_id, sum(allowed_amount) as allowed_amount, count(distinct service_date) as visits,
        max(service_date) as last_service_date
    from unit_line
    group by person_id, level, unit_id
),
contest as (                                                      -- visits without a unit are part of the whole and win nothing
    select
        person_id, level, unit_id, allowed_amount, visits, last_service_date,
        sum(visits) over (partition by person_id, level) as all_visits
    from candidate
),
ranked as (
    select
        person_id, level, unit_id, allowed_amount, visits, last_service_date, all_visits,
        row_number() over contest_order as rank,
        lead(unit_id) over contest_order as runner_up_id,
        lead(visits) over contest_order as runner_up_visits,
        lead(last_service_date) over contest_order as runner_up_date,
        lead(allowed_amount) over contest_order as runner_up_amount
    from contest
    where unit_id is not null
    window contest_order as (
        partition by person_id, level
        order by visits desc, last_service_date desc, allowed_amount desc, unit_id
    )
),
sharing as (
    select
        person_id, level, unit_id, allowed_amount, visits, last_service_date, all_visits, rank, runner_up_id, runner_up_visits,
        runner_up_date, runner_up_amount,
        cast(visits / sum(visits) over (partition by person_id, level) as decimal(9, 6)) as part
    from ranked
    where visits * 10 >= all_visits * 3
),
driving as (
    select person_id, level, unit_id, list(claim_id order by service_date, claim_id) as claim_ids
    from (
        select person_id, level, unit_id, claim_id, min(service_date) as service_date
        from unit_line
        group by person_id, level, unit_id, claim_id
    ) as known
    group by person_id, level, unit_id
)
select
    sharing.person_id,
    cast(null as varchar) as event_id,
    'multiple' as method,
    sharing.level,
    sharing.unit_id,
    cast(1 as integer) as step,
    cast(sharing.allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(sharing.visits as integer) as visits,
    sharing.last_service_date,
    cast(sharing.visits / sharing.all_visits as decimal(9, 6)) as share,
    cast(sharing.rank as integer) as rank,
    case                                                          -- what rounding leaves goes to the first
        when sharing.rank = 1
            then cast(1 - (sum(sharing.part) over (partition by sharing.person_id, sharing.level) - sharing.part) as decimal(9, 6))
        else sharing.part
    end as weight,
    case
        when runner_up_id is null or runner_up_visits < visits then null
        when runner_up_date < last_service_date then 'latest_service'
        when runner_up_amount < allowed_amount then 'allowed_amount'
        else 'unit_id'
    end as tie_break,
    sharing.runner_up_id,
    driving.claim_ids as driving_claim_ids
from sharing
join driving using (person_id, level, unit_id)
order by person_id, level, rank, unit_id
