-- Grain: one row per claim or fill asked about and what stands beside it.
select
    kind, asked_id, relation, claim_id, source_id, payer_id, person_id, claim_type, start_date, end_date, paid_date, allowed_amount,
    paid_amount, paid_status, superseded_by, duplicate_of, repriced
from related_claim
order by
    kind, asked_id,
    case relation when 'itself' then 1 when 'version' then 2 when 'copy' then 3 else 4 end, claim_id
