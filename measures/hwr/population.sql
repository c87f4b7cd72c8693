-- Grain: one row per acute stay that ended in the period (an open stay: that began in it).
-- Decides: which stays are considered (R1, R2), the diagnosis category (R3) and the specialty cohort (R4) of each.
-- Source: method.md, section 2.
with considered_stay as (                                         -- R1; R2 is done in the claims model: one row of stay per admission
    select
        stay_id, person_id, facility_id, facility_type, payer_type, admit_date, discharge_date, discharge_status, is_open, died,
        case when coalesce(icd_version, 10) = 10 then principal_diagnosis end as principal_code, claim_ids
    from stay
    where is_acute and coalesce(discharge_date, admit_date) between $period_start and $period_end
),
principal_code as (
    select distinct principal_code as code
    from considered_stay
    where principal_code is not null
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
inferred_code as (                                                -- R3: all codes of the map that begin so share one category
    select code_start.code, code_map.category as ccs
    from code_start
    join code_map on code_map.name = 'ccs_dx_prefix' and code_map.code = code_start.beginning
),
categorised_code as (                                             -- R3: map, else inferred, else the analyst's file, else none
    select
        principal_code.code,
        coalesce(mapped_code.ccs, inferred_code.ccs, override.category) as ccs,
        case
            when mapped_code.ccs is not null then 'map'
            when inferred_code.ccs is not null then 'inferred'
            when override.category is not null then 'override'
            else 'none'
        end as ccs_source
    from principal_code
    left join mapped_code using (code)
    left join inferred_code using (code)
    left join code_map as override on override.name = 'ccs_dx_override' and override.code = principal_code.code
),
surgical_stay as (                                                -- R4: any procedure of the surgery and gynecology cohort
    select distinct considered_stay.stay_id
    from considered_stay
    join stay_procedure using (stay_id)
    left join code_map as ccs_px on ccs_px.name = 'ccs_px' and ccs_px.code = stay_procedure.code
    where stay_procedure.icd_version = 10
        and (
            stay_procedure.code in (select code from value_set where name = 'surgery_gynecology_px')
            or ccs_px.category in (select code from value_set where name = 'surgery_gynecology_ccs_px')
        )
)
select
    considered_stay.stay_id as event_id,
    considered_stay.person_id,
    coalesce(considered_stay.discharge_date, considered_stay.admit_date) as index_date,
    considered_stay.facility_id,
    considered_stay.payer_type,
    case
        when surgical_stay.stay_id is not null then 'surgery_gynecology'
        else coalesce(specialty.category, 'unassigned')
    end as cohort,
    considered_stay.claim_ids,
    ['R1', 'R2', 'R3', 'R4'] as rule_ids,
    considered_stay.admit_date,
    considered_stay.discharge_date,
    coalesce(considered_stay.is_open, false) as is_open,
    categorised_code.ccs,
    coalesce(categorised_code.ccs_source, 'none') as ccs_source
from considered_stay
left join categorised_code on categorised_code.code = considered_stay.principal_code
left join surgical_stay using (stay_id)
left join code_map as specialty on specialty.name = 'specialty_cohort_ccs_dx' and specialty.code = categorised_code.ccs
