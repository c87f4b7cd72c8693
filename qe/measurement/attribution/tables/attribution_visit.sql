-- Grain: one row per line of an evaluation and management visit in the window of a person of the population: office, nursing facility and
-- home visits and the Medicare preventive visits, by the numbers that 42 CFR 425.400(c) prints. Chronic care management and screenings
-- are none. role is that of attribution_specialty, or NULL.
create or replace temp table attribution_visit as
select
    visit.person_id, visit.service_date, visit.claim_id, visit.clinician_id, visit.group_id, visit.specialty, attribution_specialty.role,
    coalesce(visit.allowed_amount, 0) as allowed_amount
from visit
join (select distinct person_id from population) as population using (person_id)
left join attribution_specialty on attribution_specialty.specialty = visit.specialty
where visit.service_date between $window_start and $window_end
    and (
        visit.hcpcs between '99201' and '99215' or visit.hcpcs between '99304' and '99350'
        or visit.hcpcs in ('G0402', 'G0438', 'G0439')
    )
