-- Grain: one row per person, day and clinician (or none known) with an evaluation and management visit: office, nursing facility and
-- home visits and the Medicare preventive visits. Source: the numbers that 42 CFR 425.400(c) prints.
select distinct person_id, service_date, clinician_id, specialty
from visit
where hcpcs between '99201' and '99215' or hcpcs between '99304' and '99350' or hcpcs in ('G0402', 'G0438', 'G0439')
