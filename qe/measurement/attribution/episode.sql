-- Grain: one row per episode and level: the hospital of the stay that opens it, and the clinicians and groups who gave most of the care in it.
-- Decides: who is responsible for an episode that a hospital stay opens:
--   step 1  the hospital of that stay
--   step 2  each clinician, and each group, with at least 30 % of the professional charges for services in hospital (place of service 21)
--           from admission to discharge; several share the episode by their charges, and their weights add up to 1 exactly
-- Lines as in mssp_step: not denied, with an allowed amount. Rank: most dollars, then the latest service, then the smaller unit_id.
-- Source: measures_spec.md section 19; statistics.md section 4 E (the rule of 30 % of the visits in a stay; dollars stand for visits, as
-- the codes of hospital visits are licensed).
with episode as (
    select
        population.event_id, population.person_id, population.facility_id, stay.admit_date, stay.allowed_amount, stay.claim_ids,
        coalesce(stay.discharge_date, stay.admit_date) as discharge_date
    from (select distinct event_id, person_id, facility_id from population) as population
    join stay on stay.stay_id = population.event_id and stay.person_id = population.person_id
),
line as (
    select episode.event_id, episode.person_id, visit.clinician_id, visit.group_id, visit.service_date, visit.claim_id, visit.allowed_amount
    from episode
    join visit on visit.person_id = episode.person_id and visit.service_date between episode.admit_date and episode.discharge_date
    where visit.place_of_service = '21' and visit.allowed_amount > 0
),
unit_line as (
    select event_id, person_id, 'clinician' as level, clinician_id as unit_id, service_date, claim_id, allowed_amount
    from line
    union all
    select event_id, person_id, 'group' as level, group_id as unit_id, service_date, claim_id, allowed_amount
    from line
),
candidate as (
    select
        event_id, person_id, level, unit_id, sum(allowed_amount) as allowed_amount, count(distinct service_date) as visits,
        max(service_date) as last_service_date
    from unit_line
    group by event_id, person_id, level, unit_id
),
contest as (                                                      -- charges without a unit are part of the whole and win nothing
    select
        event_id, person_id, level, unit_id, allowed_amount, visits, last_service_date,
        sum(allowed_amount) over (partition by event_id, level) as all_amount
    from candidate
),
ranked as (
    select
        event_id, person_id, level, unit_id, allowed_amount, visits, last_service_date, all_amount,
        row_number() over contest_order as rank,
        lead(unit_id) over contest_order as runner_up_id,
        lead(allowed_amount) over contest_order as runner_up_amount,
        lead(last_service_date) over contest_order as runner_up_date
    from contest
    where unit_id is not null
    window contest_order as (partition by event_id, level order by allowed_amount desc, last_service_date desc, unit_id)
),
shared as (
    select
        event_id, person_id, level, unit_id, allowed_amount, visits, last_service_date, all_amount, rank, runner_up_id, runner_up_amount,
        runner_up_date,
        cast(allowed_amount / sum(allowed_amount) over (partition by event_id, level) as decimal(9, 6)) as part
    from ranked
    where allowed_amount * 10 >= all_amount * 3
),
driving as (
    select event_id, level, unit_id, list(claim_id order by service_date, claim_id) as claim_ids
    from (
        select event_id, level, unit_id, claim_id, min(service_date) as service_date
        from unit_line
        group by event_id, level, unit_id, claim_id
    ) as known
    group by event_id, level, unit_id
)
select
    person_id,
    event_id,
    'episode' as method,
    'facility' as level,
    facility_id as unit_id,
    cast(1 as integer) as step,
    cast(allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(1 as integer) as visits,
    discharge_date as last_service_date,
    cast(1 as decimal(9, 6)) as share,
    cast(1 as integer) as rank,
    cast(1 as decimal(9, 6)) as weight,
    cast(null as varchar) as tie_break,
    cast(null as varchar) as runner_up_id,
    claim_ids as driving_claim_ids
from episode
where facility_id is not null
union all
select
    person_id,
    event_id,
    'episode' as method,
    level,
    unit_id,
    cast(2 as integer) as step,
    cast(allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(visits as integer) as visits,
    last_service_date,
    cast(allowed_amount / all_amount as decimal(9, 6)) as share,
    cast(rank as integer) as rank,
    case                                                          -- what rounding leaves goes to the first
        when rank = 1 then cast(1 - (sum(part) over (partition by event_id, level) - part) as decimal(9, 6))
        else part
    end as weight,
    case
        when runner_up_id is null or runner_up_amount < allowed_amount then null
        when runner_up_date < last_service_date then 'latest_service'
        else 'unit_id'
    end as tie_break,
    runner_up_id,
    driving.claim_ids as driving_claim_ids
from shared
join driving using (event_id, level, unit_id)
order by event_id, level, rank, unit_id
