-- Grain: one claim. Decides: the copy names the claim that is kept.
update claim set duplicate_of = claim_duplicate.kept_id
from claim_duplicate
where claim_duplicate.claim_id = claim.claim_id
