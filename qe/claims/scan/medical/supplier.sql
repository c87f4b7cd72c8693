-- Grain: one row per equipment supplier of the file: who bills equipment codes (E, K) on no facility claim.
insert into supplier_seen
select coalesce(billing_npi, rendering_npi), count(*)
from incoming
where bill_type is null and is_equipment_code(hcpcs) and coalesce(billing_npi, rendering_npi) is not null
group by coalesce(billing_npi, rendering_npi)
