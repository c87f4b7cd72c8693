-- Grain: one row per event with a facility. Decides: the hospital that discharged: the last of the transfer chain, else the event's own.
-- Source: statistics of readmission measures attribute a chain to its last acute hospital (measures_spec 5.3).
select
    population.person_id,
    population.event_id,
    'index_facility' as method,
    'facility' as level,
    coalesce(last_stay.facility_id, population.facility_id) as unit_id,
    cast(1 as integer) as step,
    cast(last_stay.allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(1 as integer) as visits,
    coalesce(last_stay.discharge_date, population.index_date) as last_service_date,
    cast(1 as decimal(9, 6)) as share,
    cast(1 as integer) as rank,
    cast(1 as decimal(9, 6)) as weight,
    cast(null as varchar) as tie_break,
    cast(null as varchar) as runner_up_id,
    coalesce(last_stay.claim_ids, cast([] as varchar[])) as driving_claim_ids
from (select distinct person_id, event_id, facility_id, index_date from population) as population
left join transfer_chain as own_place on own_place.stay_id = population.event_id
left join transfer_chain as last_place on last_place.chain_id = own_place.chain_id and last_place.is_last
left join stay as last_stay on last_stay.stay_id = last_place.stay_id
where coalesce(last_stay.facility_id, population.facility_id) is not null
order by event_id
