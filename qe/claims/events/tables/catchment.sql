-- Grain: one row per acute hospital whose stays somebody counts in all. Decides: the latest count whose days our claims cover from the
-- first month to the last; seen are the acute stays that ended in them (a hospital without any has no share); more seen than counted is
-- all. Source: statistics.md, correction 6.
create view catchment as
with covered as (
    select min(month) as first_day, last_day(max(month)) as last_day
    from member_month
),
counted as (
    select
        unit_of.unit_id, hospital_stays.from_date, hospital_stays.to_date, hospital_stays.stays, hospital_stays.counted_by,
        row_number() over (
            partition by unit_of.unit_id
            order by hospital_stays.to_date desc, hospital_stays.from_date desc, hospital_stays.stays desc, hospital_stays.counted_by
        ) as place
    from hospital_stays
    join covered on hospital_stays.from_date >= covered.first_day and hospital_stays.to_date <= covered.last_day
    join (
        select distinct unit_id, identifier
        from provider_identifier
        where id_type = 'CCN'
    ) as unit_of on unit_of.identifier = hospital_stays.ccn
),
seen as (
    select counted.unit_id, count(stay.stay_id) as stays_seen
    from counted
    join stay
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
