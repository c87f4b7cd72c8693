-- Grain: one row per person considered. Decides: which acute stays count (R15 to R19); value is their number. Columns of its own: how many
-- acute stays that began in the person's time do not count, by the first rule that says so. Source: method.md, section 5.
with begun as (                                                   -- R15: acute stays that begin in the person's time
    select population.event_id, stay.person_id, stay.stay_id, stay.admit_date, stay.claim_ids, institutional_stay.last_day
    from population
    join stay on stay.person_id = population.person_id and stay.is_acute and stay.admit_date between $period_start and population.last_day
    join institutional_stay on institutional_stay.stay_id = stay.stay_id
),
following as (                                                    -- R17: begins in another stay or in the 10 days after it
    select distinct begun.stay_id
    from begun
    join institutional_stay as earlier
        on earlier.person_id = begun.person_id
        and earlier.stay_id <> begun.stay_id
        and begun.admit_date <= earlier.last_day + 10
        and (earlier.first_day, earlier.last_day, earlier.stay_id) < (begun.admit_date, begun.last_day, begun.stay_id)
),
first_visit as (                                                  -- R18: the first visit of the period to the responsible clinician
    select attribution.person_id, min(evaluation_visit.service_date) as day
    from attribution
    join evaluation_visit
        on evaluation_visit.person_id = attribution.person_id and evaluation_visit.clinician_id = attribution.unit_id
    where attribution.level = 'clinician' and evaluation_visit.service_date between $period_start and $period_end
    group by attribution.person_id
),
judged as (
    select
        begun.event_id, begun.stay_id, begun.admit_date, begun.claim_ids,
        case
            when judged_stay.planned_by is not null then 'R16'
            when following.stay_id is not null then 'R17'
            when begun.admit_date < first_visit.day then 'R18'
            else 'R19'
        end as rule_id
    from begun
    join judged_stay on judged_stay.stay_id = begun.stay_id
    left join following on following.stay_id = begun.stay_id
    left join first_visit on first_visit.person_id = begun.person_id
),
counted as (
    select
        event_id,
        count(*) filter (where rule_id = 'R19') as admissions,
        count(*) filter (where rule_id = 'R16') as planned,
        count(*) filter (where rule_id = 'R17') as following,
        count(*) filter (where rule_id = 'R18') as before_first_visit,
        flatten(list(claim_ids order by admit_date, stay_id) filter (where rule_id = 'R19')) as claim_ids
    from judged
    group by event_id
)
select
    population.event_id,
    cast(coalesce(counted.admissions, 0) as decimal(18, 6)) as value,
    ['R15']
    || case when counted.planned > 0 then ['R16'] else cast([] as varchar[]) end
    || case when counted.following > 0 then ['R17'] else cast([] as varchar[]) end
    || case when counted.before_first_visit > 0 then ['R18'] else cast([] as varchar[]) end
    || ['R19'] as rule_ids,
    coalesce(counted.claim_ids, cast([] as varchar[])) as claim_ids,
    cast(coalesce(counted.planned, 0) as integer) as planned_admissions,
    cast(coalesce(counted.following, 0) as integer) as following_admissions,
    cast(coalesce(counted.before_first_visit, 0) as integer) as admissions_before_first_visit
from population
left join counted using (event_id)
