-- Grain: one row per person. Decides: who is a patient of the unit $unit_id on the day of a disclosure: a visit face to face or by
-- telehealth with that very unit after $after and by $by; last_visit is the newest. Evidence at a clinician or group: an evaluation
-- and management line by the numbers that 42 CFR 425.400(c) prints, not with modifier 93 (audio only). At a facility: a stay, an
-- emergency visit, or such a line of a health centre. Laboratory, imaging, pharmacy, equipment and transport are no visits.
-- Source: 42 CFR 401.703(r); rules.md P1, P2.
with professional as (
    select person_id, service_date, clinician_id, group_id, facility_id, is_fqhc_rhc
    from visit
    where (hcpcs between '99201' and '99215' or hcpcs between '99304' and '99350' or hcpcs in ('G0402', 'G0438', 'G0439'))
        and not coalesce(list_contains(modifiers, '93'), false)
),
seen as (
    select person_id, service_date
    from professional
    where clinician_id = $unit_id or group_id = $unit_id or (is_fqhc_rhc and facility_id = $unit_id)
    union all
    select person_id, visit_date
    from ed_visit
    where facility_id = $unit_id
    union all
    select person_id, least(coalesce(discharge_date, admit_date), $by)
    from stay
    where facility_id = $unit_id and admit_date <= $by
)
select person_id, max(service_date) as last_visit
from seen
where service_date > $after and service_date <= $by
group by person_id
order by person_id
