-- Grain: one row per acute stay for heart failure that ended in the period (an open stay: that began in it).
-- Decides: which stays are considered (R1, R2, R4). R3, the category of the diagnosis, is judged_stay.sql. Source: method.md, section 2.
select
    stay.stay_id as event_id,
    stay.person_id,
    coalesce(stay.discharge_date, stay.admit_date) as index_date,
    stay.facility_id,
    stay.payer_type,
    stay.claim_ids,
    ['R1', 'R2', 'R3', 'R4'] as rule_ids,
    stay.admit_date,
    stay.discharge_date,
    coalesce(stay.is_open, false) as is_open,
    judged_stay.ccs,
    judged_stay.ccs_source
from stay                                                         -- R2 is done in the claims model: one row of stay per admission
join judged_stay using (stay_id)                                  -- R1: acute stays only
join value_set on value_set.name = 'heart_failure_dx' and value_set.code = judged_stay.principal_code   -- R4
where coalesce(stay.discharge_date, stay.admit_date) between $period_start and $period_end
