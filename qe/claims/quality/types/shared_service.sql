-- Grain: one row per source. Decides: how many live rows have a twin at another payer by the key of the service.
with live as (
    select source_id, payer_id, {key}
    from checked_row
    where duplicate_of is null and ({only}) and ({given})
),
shared as (
    select {key} from live group by {key} having min(payer_id) <> max(payer_id)
)
select
    live.source_id,
    count(*) as denominator,
    count(*) filter (where shared.person_id is not null) as failing
from live
left join shared using ({key})
group by live.source_id
