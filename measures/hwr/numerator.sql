-- Grain: one row per stay considered. Decides: the first stay that follows within 30 days (R18, R19), whether a stay is planned
-- (R20 to R23) and the outcome (R24). Columns of its own: planned (of this stay itself), outcome_event_id, following_stay_id,
-- days_to_following. Source: method.md, section 4; planned readmission algorithm version 4.0.
with following as (                                               -- R18: days 0 to 30; R19: at any acute hospital, any payer
    select
        population.event_id,
        next_stay.stay_id,
        next_stay.claim_ids,
        next_stay.admit_date - population.discharge_date as days,
        row_number() over (
            partition by population.event_id
            order by next_stay.admit_date, next_stay.discharge_date nulls last, next_stay.stay_id
        ) as place
    from population
    join stay as next_stay
        on next_stay.person_id = population.person_id
        and next_stay.is_acute
        and next_stay.admit_date between population.discharge_date and population.discharge_date + 30
        and next_stay.stay_id <> population.event_id
        and (
            next_stay.admit_date > population.admit_date
            or coalesce(next_stay.discharge_date, next_stay.admit_date + 1) > population.discharge_date
            or (next_stay.discharge_date = population.discharge_date and next_stay.stay_id > population.event_id)
        )
),
first_following as (
    select event_id, stay_id, claim_ids, days
    from following
    where place = 1
),
judged_stay as (
    select event_id as stay_id from population
    union
    select stay_id from first_following
),
judged_code as (
    select judged_stay.stay_id, stay.principal_diagnosis as code
    from judged_stay
    join stay using (stay_id)
    where coalesce(stay.icd_version, 10) = 10 and stay.principal_diagnosis is not null
),
mapped_code as (
    select code_map.code, code_map.category as ccs
    from code_map
    where code_map.name = 'ccs_dx' and code_map.code in (select code from judged_code)
),
unmapped_code as (
    select distinct code
    from judged_code
    where code not in (select code from mapped_code)
),
code_start as (
    select code, left(code, cast(unnest(range(3, length(code) + 1)) as integer)) as beginning
    from unmapped_code
),
inferred_code as (                                                -- R3, as in population.sql
    select code_start.code, code_start.beginning, code_map.category as ccs
    from code_start
    join code_map on code_map.name = 'ccs_dx_prefix' and code_map.code = code_start.beginning
),
judged_category as (
    select
        judged_stay.stay_id,
        coalesce(mapped_code.ccs, inferred_code.ccs, override.category) as ccs,
        judged_code.code in (select code from value_set where name = 'planned_acute_dx')
            or coalesce(inferred_code.beginning, '') in (select code from value_set where name = 'planned_acute_dx_prefix') as has_acute_code
    from judged_stay
    left join judged_code using (stay_id)
    left join mapped_code on mapped_code.code = judged_code.code
    left join inferred_code on inferred_code.code = judged_code.code
    left join code_map as override on override.name = 'ccs_dx_override' and override.code = judged_code.code
),
judged_procedure as (
    select distinct judged_stay.stay_id, stay_procedure.code, ccs_px.category as ccs
    from judged_stay
    join stay_procedure using (stay_id)
    left join code_map as ccs_px on ccs_px.name = 'ccs_px' and ccs_px.code = stay_procedure.code
    where stay_procedure.icd_version = 10
),
procedure_kind as (
    select
        stay_id,
        bool_or(coalesce(ccs in (select code from value_set where name = 'planned_always_ccs_px'), false)) as is_always,
        bool_or(coalesce(ccs in (select code from value_set where name = 'delivery_ccs_px'), false)) as is_delivery,
        bool_or(
            coalesce(ccs in (select code from value_set where name = 'planned_potential_ccs_px'), false)
            or code in (select code from value_set where name = 'planned_potential_px')
        ) as is_potential
    from judged_procedure
    group by stay_id
),
judged as (
    select
        judged_category.stay_id,
        case
            when procedure_kind.is_always
                or judged_category.ccs in (select code from value_set where name = 'planned_always_ccs_dx')
                then 'R20'
            when procedure_kind.is_delivery
                or judged_category.ccs in (select code from value_set where name = 'delivery_ccs_dx')
                then 'R21'
            when procedure_kind.is_potential
                and judged_category.ccs is not null               -- R23: a diagnosis without a category counts as acute
                and judged_category.ccs not in (select code from value_set where name = 'planned_acute_ccs')
                and not coalesce(judged_category.has_acute_code, false)
                then 'R22'
        end as planned_by
    from judged_category
    left join procedure_kind using (stay_id)
)
select
    population.event_id,
    cast(case when first_following.stay_id is not null and following_judged.planned_by is null then 1 else 0 end as decimal(18, 6)) as value,
    case                                                          -- R24: one outcome, judged on the first stay that follows
        when first_following.stay_id is null then ['R18']
        when following_judged.planned_by is null then ['R18', 'R19', 'R24']
        else ['R18', 'R19', following_judged.planned_by, 'R24']
    end as rule_ids,
    case
        when first_following.stay_id is not null and following_judged.planned_by is null then first_following.claim_ids
        else cast([] as varchar[])
    end as claim_ids,
    own_judged.planned_by is not null as planned,
    case
        when first_following.stay_id is not null and following_judged.planned_by is null
            then coalesce(transfer_chain.chain_id, first_following.stay_id)
    end as outcome_event_id,
    first_following.stay_id as following_stay_id,
    cast(first_following.days as integer) as days_to_following
from population
join judged as own_judged on own_judged.stay_id = population.event_id
left join first_following on first_following.event_id = population.event_id
left join judged as following_judged on following_judged.stay_id = first_following.stay_id
left join transfer_chain on transfer_chain.stay_id = first_following.stay_id
