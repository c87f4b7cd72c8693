-- Grain: one row per procedure of a claim that was not superseded, with the claim's source, first day and period.
select
    claim_procedure.*,
    claim.source_id,
    claim.from_date,
    claim.thru_date,
    claim.claim_type,
    person.birth_date,
    person.death_date,
    last_day.last_day
from claim_procedure
cross join (select max(end_date) as last_day from source_period) as last_day
left join claim using (claim_id)
left join person on person.person_id = claim_procedure.person_id
where claim.superseded_by is null
