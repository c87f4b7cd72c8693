-- Grain: one row per claim, or fill ("fill:" before its id), that shows an exclusion. Decides: it stands after final action, is the event's
-- person's, and touches the days that the measure looks at.
select claim_id
from claim
where claim_id in (select unnest($claim_ids)) and person_id = $person_id and superseded_by is null
    and from_date <= $last_day and thru_date >= $first_day
union
select 'fill:' || fill_id
from pharmacy_fill
where 'fill:' || fill_id in (select unnest($claim_ids)) and person_id = $person_id and superseded_by is null
    and fill_date between $first_day and $last_day
order by 1
