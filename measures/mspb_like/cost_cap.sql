-- Grain: one row. Decides: the cap (R13), the lowest cost that 99 % of the episodes that count do not exceed. Source: method.md, section 4.
with counted as (
    select
        population.event_id,
        coalesce(sum(episode_cost.allowed_amount), 0) as allowed_amount
    from population
    left join episode_cost using (event_id)
    where population.event_id not in (select event_id from barred_stay)
        and ($mspb_version <> '2013' or population.event_id not in (select event_id from index_window))
    group by population.event_id
),
placed as (
    select
        allowed_amount,
        row_number() over (order by allowed_amount, event_id) as place,
        count(*) over () as episodes
    from counted
)
select min(allowed_amount) as amount
from placed
where place * 100 >= episodes * $cap_percentile
