-- Grain: one row per person, month and product, with the person's dates and the source that the payer's months come from.
select
    member_month.*,
    payer_source.source_id,
    person.birth_date,
    person.death_date,
    source_period.start_date as source_start,
    source_period.end_date as source_end,
    last_day.last_day
from member_month
cross join (select max(end_date) as last_day from source_period) as last_day
left join person using (person_id)
left join payer_source using (payer_id)
left join source_period on source_period.source_id = payer_source.source_id
