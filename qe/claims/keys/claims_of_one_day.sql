-- Grain: one row per two files of one day that hold the same claims or fills, the first file of a claim and another: how many of them.
with seen as (
    select file_of_day.day, file_of_day.place, claim_seen.source_id, claim_seen.claim_kind, claim_seen.native_claim_id
    from claim_seen
    join file_of_day using (sent_order)
    union all
    select file_of_day.day, file_of_day.place, fill_seen.source_id, 'fill', fill_seen.native_fill_id
    from fill_seen
    join file_of_day using (sent_order)
),
in_several as (
    select day, source_id, claim_kind, native_claim_id, min(place) as first_place
    from seen
    group by day, source_id, claim_kind, native_claim_id
    having count(distinct place) > 1
),
in_both as (
    select distinct day, source_id, claim_kind, native_claim_id, in_several.first_place, seen.place
    from in_several
    join seen using (day, source_id, claim_kind, native_claim_id)
    where seen.place > in_several.first_place
),
named as (
    select day, place, arg_min(name, sent_order) as name from file_of_day group by day, place
)
select one.name as first_name, other.name, count(*) as claims
from in_both
join named as one on one.day = in_both.day and one.place = in_both.first_place
join named as other on other.day = in_both.day and other.place = in_both.place
group by in_both.day, in_both.first_place, in_both.place, one.name, other.name
order by in_both.day, in_both.first_place, in_both.place
