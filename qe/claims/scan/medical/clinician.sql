-- Grain: one row per clinician, specialty and TIN of the file. On a facility claim the TIN is the facility's, not the clinician's,
-- and a rendering NPI equal to the billing one is the facility's too. Who bills equipment codes is a supplier, no clinician.
insert into clinician_seen
select
    coalesce(case when bill_type is null or rendering_npi <> billing_npi then rendering_npi end, attending_npi),
    rendering_specialty, case when bill_type is null then billing_tin end,
    count(*), min(from_date), max(coalesce(thru_date, from_date))
from incoming
where (bill_type is not null or not is_equipment_code(hcpcs))
    and (coalesce(rendering_npi, attending_npi) is not null or (bill_type is null and billing_tin is not null))
group by all
