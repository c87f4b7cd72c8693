-- Grain: one row per prescription that was not superseded, with its person's dates and its source's period.
select
    pharmacy_fill.*,
    person.birth_date,
    person.death_date,
    source_period.start_date as source_start,
    source_period.end_date as source_end,
    last_day.last_day
from pharmacy_fill
cross join (select max(end_date) as last_day from source_period) as last_day
left join person using (person_id)
left join source_period using (source_id)
where pharmacy_fill.superseded_by is null
