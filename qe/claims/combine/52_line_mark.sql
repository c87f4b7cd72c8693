-- Grain: one claim line. Decides: the lines of a copy name the claim that is kept.
update claim_line set duplicate_of = claim_duplicate.kept_id
from claim_duplicate
where claim_duplicate.claim_id = claim_line.claim_id
