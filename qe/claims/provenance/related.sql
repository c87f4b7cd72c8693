-- Grain: one row per claim or fill that is asked about and what stands beside it. Decides: nothing; relation says why it is here: itself,
-- an earlier version of it that a later delivery superseded, or a copy of the same service from another payer (with the copy's versions).
create or replace temp table related_claim as
with version as (
    select
        'claim' as kind, claim_id, superseded_by, duplicate_of, source_id, payer_id, person_id, claim_type,
        coalesce(admit_date, from_date) as start_date, coalesce(discharge_date, thru_date) as end_date, paid_date, allowed_amount,
        paid_amount, paid_status, repriced
    from claim
    union all
    select
        'fill', fill_id, superseded_by, duplicate_of, source_id, payer_id, person_id, 'pharmacy', fill_date, fill_date, paid_date,
        allowed_amount, paid_amount, fill_status, repriced
    from pharmacy_fill
),
asked as (
    select asked_claim.kind, asked_claim.claim_id as asked_id, version.claim_id, version.duplicate_of
    from asked_claim
    join version using (kind, claim_id)
),
copy as (                                                          -- the other payer's, whichever of the two is asked about
    select asked.kind, asked.asked_id, version.claim_id
    from asked
    join version on version.kind = asked.kind and version.duplicate_of = asked.claim_id
    union
    select kind, asked_id, duplicate_of
    from asked
    where duplicate_of is not null
),
standing as (
    select kind, asked_id, claim_id, 'itself' as relation from asked
    union all
    select kind, asked_id, claim_id, 'copy' from copy where claim_id <> asked_id
),
member as (
    select kind, asked_id, claim_id, relation from standing
    union
    select standing.kind, standing.asked_id, version.claim_id, if(relation = 'copy', 'version of copy', 'version')
    from standing
    join version on version.kind = standing.kind and version.superseded_by = standing.claim_id
)
select member.asked_id, member.relation, version.*
from member
join version using (kind, claim_id)
