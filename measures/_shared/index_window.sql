-- Grain: one row per stay considered and index stay of the same person within whose window it begins: event_id, index_event_id, claim_ids (of
-- the index stay). Decides: which stays are index stays when a window of 30 days opens with each. Of the stays that nothing else bars
-- (barred_stay, the module's own), in order of admission, the first is an index stay; the next is the first that begins after day 30 of
-- the one before; and so on. Of stays admitted on one day the one discharged earlier comes first, then the smaller id as text.
-- Source: measures_spec.md sections 6 and 19.
with recursive candidate as (
    select
        event_id, person_id, admit_date, discharge_date, claim_ids,
        row_number() over (partition by person_id order by admit_date, discharge_date, event_id) as place
    from population
    where not exists (select 1 from barred_stay where barred_stay.event_id = population.event_id)
),
next_index as (                                                   -- the first that begins after day 30
    select candidate.event_id, candidate.person_id, min(later.place) as place
    from candidate
    join candidate as later on later.person_id = candidate.person_id and later.admit_date > candidate.discharge_date + 30
    group by candidate.event_id, candidate.person_id
),
index_stay as (
    select event_id, person_id, admit_date, discharge_date, claim_ids
    from candidate
    where place = 1
    union all
    select candidate.event_id, candidate.person_id, candidate.admit_date, candidate.discharge_date, candidate.claim_ids
    from index_stay
    join next_index on next_index.event_id = index_stay.event_id
    join candidate on candidate.person_id = next_index.person_id and candidate.place = next_index.place
)
select population.event_id, index_stay.event_id as index_event_id, index_stay.claim_ids
from population
join index_stay
    on index_stay.person_id = population.person_id
    and population.admit_date <= index_stay.discharge_date + 30
    and (population.admit_date, coalesce(population.discharge_date, date '9999-12-31'), population.event_id)
    > (index_stay.admit_date, index_stay.discharge_date, index_stay.event_id)
