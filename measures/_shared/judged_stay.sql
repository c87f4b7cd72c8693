-- Grain: one row per acute stay. Decides: the AHRQ category (CCS) of its principal diagnosis with its source, and whether the stay is
-- planned: planned_by is always (transplant, chemotherapy, rehabilitation care), delivery, potential (a procedure that may be planned
-- with a principal diagnosis that is not acute), or NULL for an unplanned stay. A diagnosis without a category counts as acute.
-- Source: planned readmission algorithm of CMS, version 4.0; AHRQ Clinical Classifications Software, version 2019.1.
with principal as (
    select stay_id, case when coalesce(icd_version, 10) = 10 then principal_diagnosis end as code
    from stay
    where is_acute
),
principal_code as (
    select distinct code
    from principal
    where code is not null
),
mapped_code as (
    select code_map.code, code_map.category as ccs
    from code_map
    join principal_code using (code)
    where code_map.name = 'ccs_dx'
),
code_start as (                                                   -- the beginnings of every code that the map does not hold
    select code, left(code, cast(unnest(range(3, length(code) + 1)) as integer)) as beginning
    from principal_code
    where code not in (select code from mapped_code)
),
inferred_code as (                                                -- all codes of the map that begin so share one category
    select code_start.code, code_start.beginning, code_map.category as ccs
    from code_start
    join code_map on code_map.name = 'ccs_dx_prefix' and code_map.code = code_start.beginning
),
categorised_code as (                                             -- map, else inferred, else the analyst's file, else none
    select
        principal_code.code,
        coalesce(mapped_code.ccs, inferred_code.ccs, override.category) as ccs,
        case
            when mapped_code.ccs is not null then 'map'
            when inferred_code.ccs is not null then 'inferred'
            when override.category is not null then 'override'
            else 'none'
        end as ccs_source,
        principal_code.code in (select code from value_set where name = 'planned_acute_dx')
            or coalesce(inferred_code.beginning, '') in (select code from value_set where name = 'planned_acute_dx_prefix') as has_acute_code
    from principal_code
    left join mapped_code using (code)
    left join inferred_code using (code)
    left join code_map as override on override.name = 'ccs_dx_override' and override.code = principal_code.code
),
performed as (
    select distinct principal.stay_id, stay_procedure.code, ccs_px.category as ccs
    from principal
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
    from performed
    group by stay_id
)
select
    principal.stay_id,
    principal.code as principal_code,
    categorised_code.ccs,
    coalesce(categorised_code.ccs_source, 'none') as ccs_source,
    case
        when procedure_kind.is_always
            or categorised_code.ccs in (select code from value_set where name = 'planned_always_ccs_dx')
            then 'always'
        when procedure_kind.is_delivery
            or categorised_code.ccs in (select code from value_set where name = 'delivery_ccs_dx')
            then 'delivery'
        when procedure_kind.is_potential
            and categorised_code.ccs is not null
            and categorised_code.ccs not in (select code from value_set where name = 'planned_acute_ccs')
            and not coalesce(categorised_code.has_acute_code, false)
            then 'potential'
    end as planned_by
from principal
left join categorised_code using (code)
left join procedure_kind using (stay_id)
