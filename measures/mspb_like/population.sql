-- Grain: one row per stay at a short-term hospital paid by Medicare that ended in the period (an open stay: that began in it).
-- Decides: which stays are considered (R1, R2), the days of the episode (R3) and its diagnosis related group (R15).
-- Source: method.md, section 2.
select
    stay.stay_id as event_id,
    stay.person_id,
    coalesce(stay.discharge_date, stay.admit_date) as index_date,
    stay.facility_id,
    stay.payer_type,
    stay.claim_ids,
    ['R1', 'R2', 'R3', 'R15'] as rule_ids,
    stay.admit_date,
    stay.discharge_date,
    coalesce(stay.is_open, false) as is_open,
    stay.admit_date - 3 as episode_start,
    stay.discharge_date + 30 as episode_end,
    coalesce(ms_drg.category, 'unassigned') as drg_group,
    stay.allowed_amount as index_amount
from stay                                                         -- R2 is done in the claims model: one row of stay per admission
left join code_map as ms_drg on ms_drg.name = 'ms_drg' and ms_drg.code = lpad(stay.drg, 3, '0')
where stay.is_acute and stay.facility_type = 'short_term' and stay.payer_type = 'medicare'
    and coalesce(stay.discharge_date, stay.admit_date) between $period_start and $period_end
