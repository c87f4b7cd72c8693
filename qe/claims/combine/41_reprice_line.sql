-- Grain: one capitated claim line. Decides: it carries its price and says so.
update claim_line
set allowed_amount = capitated_price.price, repriced = true
from capitated_price
where capitated_price.claim_id = claim_line.claim_id and capitated_price.line_number = claim_line.line_number
