-- Grain: one row per billing NPI and TIN of facility claims of the file.
insert into facility_seen
select null, billing_npi, billing_tin, min(bill_type), count(distinct native_claim_id)
from incoming
where bill_type is not null and billing_npi is not null
group by billing_npi, billing_tin
