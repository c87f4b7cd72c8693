-- Grain: one claim with capitated lines. Decides: the header stays the sum of its lines.
update claim
set allowed_amount = claim.allowed_amount + priced.amount, repriced = true
from (select claim_id, sum(price) as amount from capitated_price group by claim_id) as priced
where priced.claim_id = claim.claim_id
