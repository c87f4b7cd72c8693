-- Grain: one row per CCN and billing NPI of facility claims of the file. A facility_id of six characters is a CCN.
insert into facility_seen
select
    case when length(facility_id) = 6 then facility_id end, coalesce(billing_npi, case when length(facility_id) = 10 then facility_id end),
    null, min(bill_type), count(distinct claim_id)
from incoming
where claim_type not in ('professional', 'dme') and (length(facility_id) in (6, 10) or billing_npi is not null)
group by all
