-- Grain: one row per stay and rule, other than R7, that keeps it from opening an episode: all reasons, not the first.
-- Decides: R4 to R6 and R8 to R10. Source: method.md, section 3.
with fee_for_service_month as (                                   -- R9: Part A and B without managed care, Medicare first
    select person_id, month
    from person_month
    where is_ffs and payer_type = 'medicare'
),
covered as (
    select population.event_id, population.episode_start, population.episode_end, count(fee_for_service_month.month) as months
    from population
    left join fee_for_service_month
        on fee_for_service_month.person_id = population.person_id
        and fee_for_service_month.month between month_of(population.episode_start - 90) and month_of(population.episode_end)
    where population.episode_end is not null
    group by population.event_id, population.episode_start, population.episode_end
),
reason as (
    select event_id, 'R4' as rule_id
    from population
    where is_open
    union all
    select population.event_id, 'R5' as rule_id                   -- in the stay, or by the last day of the episode
    from population
    join stay on stay.stay_id = population.event_id
    left join person on person.person_id = population.person_id
    where stay.died or coalesce(person.death_date <= population.episode_end, false)
    union all
    select population.event_id, 'R6' as rule_id                   -- either end of a transfer
    from population
    join transfer_chain on transfer_chain.stay_id = population.event_id
    where not (transfer_chain.is_first and transfer_chain.is_last)
    union all
    select event_id, 'R8' as rule_id
    from population
    where coalesce(index_amount, 0) <= 0
    union all
    select event_id, 'R9' as rule_id
    from covered
    where months < 1 + months_between(episode_start - 90, episode_end)
    union all
    select distinct population.event_id, 'R10' as rule_id         -- CCN of Maryland: 21 and four characters
    from population
    left join provider_identifier
        on provider_identifier.unit_id = population.facility_id and provider_identifier.id_type = 'CCN'
    where coalesce(provider_identifier.identifier, population.facility_id) similar to '21[0-9A-Z]{4}'
)
select reason.event_id, reason.rule_id, population.claim_ids
from reason
join population using (event_id)
