-- Grain: one row per two files of one day that hold the same claims or fills, the first file of a claim and another: how many of them.
with seen as (
    select file_of_day.day, file_of_day.delivery_order, claim_seen.source_id, claim_seen.claim_kind, claim_seen.native_claim_id
    from claim_seen
    join file_of_day using (delivery_order)
    union all
    select file_of_day.day, file_of_day.delivery_order, fill_seen.source_id, 'fill', fill_seen.native_fill_id
    from fill_seen
    join file_of_day using (delivery_order)
),
in_several as (
    select day, source_id, claim_kind, native_claim_id, min(delivery_order) as first_order
    from seen
    group by day, source_id, claim_kind, native_claim_id
    having count(distinct delivery_order) > 1
),
in_both as (
    select distinct day, source_id, claim_kind, native_claim_id, in_several.first_order, seen.delivery_order
    from in_several
    join seen using (day, source_id, claim_kind, native_claim_id)
    where seen.delivery_order > in_several.first_order
)
select one.name as first_name, other.name, count(*) as claims
from in_both
join file_of_day as one on one.day = in_both.day and one.delivery_order = in_both.first_order
join file_of_day as other on other.day = in_both.day and other.delivery_order = in_both.delivery_order
group by in_both.day, in_both.first_order, in_both.delivery_order, one.name, other.name
order by in_both.day, in_both.first_order, in_both.delivery_order
