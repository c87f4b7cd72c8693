-- Grain: one row of a table derived from claims, with its person's dates and the source that its payer's claims come from.
select
    event.*,
    payer_source.source_id,
    person.birth_date,
    person.death_date,
    last_day.last_day
from {table} as event
cross join (select max(end_date) as last_day from source_period) as last_day
left join person using (person_id)
left join payer_source using (payer_id)
