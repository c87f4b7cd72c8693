-- Grain: one row per source. Decides: how many claims of a type have no row of the part (lines, diagnoses).
select
    claim.source_id,
    count(*) as denominator,
    count(*) filter (where part.claim_id is null) as failing
from claim
left join (select distinct claim_id from {table}) as part on part.claim_id = claim.claim_id
where claim.superseded_by is null and claim.claim_type = {value}
group by claim.source_id
