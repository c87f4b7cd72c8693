-- Grain: one row. Value: lines, diagnoses and procedures without a claim: joined rows must neither grow nor vanish.
with orphan as (
    select claim_id from claim_line anti join claim using (claim_id)
    union all
    select claim_id from claim_diagnosis anti join claim using (claim_id)
    union all
    select claim_id from claim_procedure anti join claim using (claim_id)
)
select cast(count(*) as decimal(18, 6)) as value, count(*) as affected
from orphan
