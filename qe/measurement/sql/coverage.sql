-- Grain: one row. Decides: which days the data hold: first and last month of anyone's coverage, last day a service was seen.
select
    (select min(month) from person_month) as first_month,
    (select last_day(max(month)) from person_month) as last_day,
    greatest((select max(service_date) from cost_event), (select max(discharge_date) from stay)) as last_service_date
