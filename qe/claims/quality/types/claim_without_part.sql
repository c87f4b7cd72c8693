-- Grain: one row per claim type and source. Decides: how many claims of a type have no row of the part (lines, diagnoses).
select
    claim_type as "limit",
    source_id,
    count(*) as denominator,
    count(*) filter (where claim_id not in (select claim_id from {table} where claim_id is not null)) as failing
from claim
where superseded_by is null
group by claim_type, source_id
