-- Grain: one row per stay considered. Decides: the cost of the episode (R11), its floor (R12) and its cap (R13), and what is shown beside
-- it (R14). value is the capped allowed amount, amount the allowed amount before floor and cap. All steps are exact.
-- Source: method.md, section 4.
with episode as (
    select
        population.event_id,
        coalesce(sum(episode_cost.allowed_amount), 0) as allowed_amount,
        coalesce(sum(episode_cost.allowed_amount) filter (where episode_cost.part = 'inpatient'), 0) as inpatient_amount,
        coalesce(sum(episode_cost.allowed_amount) filter (where episode_cost.part = 'outpatient'), 0) as outpatient_amount,
        coalesce(sum(episode_cost.allowed_amount) filter (where episode_cost.part = 'professional'), 0) as professional_amount,
        coalesce(sum(episode_cost.allowed_amount) filter (where episode_cost.part = 'post_acute'), 0) as post_acute_amount,
        coalesce(sum(episode_cost.allowed_amount) filter (where episode_cost.part = 'other'), 0) as other_amount,
        coalesce(sum(episode_cost.allowed_amount) filter (where episode_cost.repriced), 0) as repriced_amount,
        list(episode_cost.claim_id order by episode_cost.service_date, episode_cost.claim_id)
            filter (where episode_cost.claim_id is not null) as claim_ids
    from population
    left join episode_cost using (event_id)
    group by population.event_id
)
select
    episode.event_id,
    cast(greatest(0, least(episode.allowed_amount, coalesce(cost_cap.amount, episode.allowed_amount))) as decimal(18, 6)) as value,
    cast(episode.allowed_amount as decimal(14, 2)) as amount,
    case
        when episode.allowed_amount < 0 then ['R11', 'R12', 'R14']
        when episode.allowed_amount > cost_cap.amount then ['R11', 'R13', 'R14']
        else ['R11', 'R14']
    end as rule_ids,
    coalesce(episode.claim_ids, cast([] as varchar[])) as claim_ids,
    coalesce(episode.allowed_amount > cost_cap.amount, false) as is_capped,
    cast(cost_cap.amount as decimal(14, 2)) as cap_threshold,
    cast(episode.inpatient_amount as decimal(14, 2)) as inpatient_amount,
    cast(episode.outpatient_amount as decimal(14, 2)) as outpatient_amount,
    cast(episode.professional_amount as decimal(14, 2)) as professional_amount,
    cast(episode.post_acute_amount as decimal(14, 2)) as post_acute_amount,
    cast(episode.other_amount as decimal(14, 2)) as other_amount,
    cast(episode.repriced_amount as decimal(14, 2)) as repriced_amount
from episode
cross join cost_cap
