-- Grain: one row per fill of the population and level. Decides: who prescribed it: the clinician whose NPI the fill tells, and the group to
-- which that clinician belonged on the day of the fill when the roster names exactly one. Each fill is credited whole (weight 1).
-- A prescriber whom no unit stands for is credited under the identifier only in a model without providers (files of `qe measures compute`).
-- Source: own rule; the group as in events/40_visit.sql where a line tells no billing TIN.
with prescribed as (
    select population.event_id, population.person_id, fill.prescriber_id, fill.fill_date, fill.allowed_amount, pharmacy_fill.prescriber_npi
    from (select distinct event_id, person_id from population) as population
    join fill on fill.fill_id = population.event_id and fill.person_id = population.person_id
    join pharmacy_fill on pharmacy_fill.fill_id = fill.fill_id
    where fill.prescriber_id in (select unit_id from unit) or not exists (select 1 from provider)
),
member_of as (
    select prescribed.event_id, min(affiliation.group_unit_id) as group_id
    from prescribed
    join affiliation
        on affiliation.npi = prescribed.prescriber_npi and affiliation.source = 'roster'
        and coalesce(affiliation.from_date <= prescribed.fill_date, true)
        and coalesce(affiliation.to_date >= prescribed.fill_date, true)
    group by prescribed.event_id
    having count(distinct affiliation.group_unit_id) = 1
),
credited as (
    select event_id, person_id, 'clinician' as level, prescriber_id as unit_id, allowed_amount, fill_date
    from prescribed
    where prescriber_id is not null
    union all
    select prescribed.event_id, prescribed.person_id, 'group' as level, member_of.group_id as unit_id, prescribed.allowed_amount,
        prescribed.fill_date
    from prescribed
    join member_of using (event_id)
)
select
    person_id,
    event_id,
    'prescriber' as method,
    level,
    unit_id,
    cast(1 as integer) as step,
    cast(allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(1 as integer) as visits,
    fill_date as last_service_date,
    cast(1 as decimal(9, 6)) as share,
    cast(1 as integer) as rank,
    cast(1 as decimal(9, 6)) as weight,
    cast(null as varchar) as tie_break,
    cast(null as varchar) as runner_up_id,
    [event_id] as driving_claim_ids
from credited
order by event_id, level
