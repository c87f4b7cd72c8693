-- Grain: one row per payer that knows a person of the data and has no claim or fill in them. Decides: whose word may stand in the table
-- person besides: its facts are linked across payers (qe/claims/combine/10_person.sql).
with known as (
    select payer_id, person_id from member_month
    union
    select payer_id, person_id from claim
    union
    select payer_id, person_id from pharmacy_fill
)
select distinct known.payer_id
from known
semi join released_row using (person_id)
anti join released_row as released on released.payer_id = known.payer_id
order by known.payer_id
