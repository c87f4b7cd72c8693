-- Grain: one row per acute stay that ended in the period (an open stay: that began in it).
-- Decides: which stays are considered (R1, R2), the diagnosis category (R3) and the specialty cohort (R4) of each.
-- Source: method.md, section 2.
with considered_stay as (                                         -- R1; R2 is done in the claims model: one row of stay per admission
    select stay_id, person_id, facility_id, payer_type, admit_date, discharge_date, is_open, claim_ids
    from stay
    where is_acute and coalesce(discharge_date, admit_date) between $period_start and $period_end
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
    judged_stay.ccs,                                              -- R3: judged_stay.sql
    judged_stay.ccs_source
from considered_stay
join judged_stay using (stay_id)
left join surgical_stay using (stay_id)
left join code_map as specialty on specialty.name = 'specialty_cohort_ccs_dx' and specialty.code = judged_stay.ccs
