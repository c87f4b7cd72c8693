-- Grain: one row per stay and rule that keeps it from being an index stay: all reasons, not the first.
-- Decides: R5 to R17. What readmission measures have in common is decided in index_stay_bar.sql. Source: method.md, section 3.
with excluded_category as (                                       -- R13 psychiatric, R14 rehabilitation, R15 cancer, R16 obstetric and newborn
    select population.event_id, population.cohort, code_map.category
    from population
    join code_map on code_map.name = 'excluded_ccs_dx' and code_map.code = population.ccs
),
reason as (
    select
        event_id,
        case category when 'psychiatric' then 'R13' when 'rehabilitation' then 'R14' when 'cancer' then 'R15' else 'R16' end as rule_id
    from excluded_category
    where category <> 'cancer' or $cancer_rule = 'all' or cohort <> 'surgery_gynecology'
    union all
    select
        event_id,
        case reason
            when 'young' then 'R5'
            when 'died' then 'R6'
            when 'transferred' then 'R7'
            when 'open' then 'R8'
            when 'against_advice' then 'R9'
            when 'cancer_hospital' then 'R10'
            when 'no_prior_year' then 'R11'
            when 'no_follow_up' then 'R12'
            when 'covid' then 'R17'
        end as rule_id
    from index_stay_bar
)
select reason.event_id, reason.rule_id, population.claim_ids
from reason
join population using (event_id)
