-- Grain: one row per hospital whose stays somebody counts in all. Decides: the latest count; seen are the acute stays in our sources that
-- ended in the same days; a share above 1 (stays counted otherwise) is 1. Source: statistics.md, correction 6.
create view catchment as
with counted as (
    select
        provider_identifier.unit_id, hospital_stays.from_date, hospital_stays.to_date, hospital_stays.stays, hospital_stays.counted_by,
        row_number() over (
            partition by provider_identifier.unit_id
            order by hospital_stays.to_date desc, hospital_stays.from_date desc, hospital_stays.stays desc, hospital_stays.counted_by
        ) as place
    from hospital_stays
    join provider_identifier using (id_type, identifier)
),
seen as (
    select counted.unit_id, count(stay.stay_id) as stays_seen
    from counted
    left join stay
        on stay.facility_id = counted.unit_id and stay.is_acute
        and stay.discharge_date between counted.from_date and counted.to_date
    where counted.place = 1
    group by counted.unit_id
)
select
    counted.unit_id, counted.from_date, counted.to_date, counted.stays, seen.stays_seen, counted.counted_by,
    least(1.0::double, seen.stays_seen::double / counted.stays) as share
from counted
join seen using (unit_id)
where counted.place = 1
