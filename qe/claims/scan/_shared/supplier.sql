-- Grain: one row per equipment supplier of the file. Decides: who bills durable medical equipment is an organisation, no clinician.
insert into supplier_seen
select rendering_npi, count(*)
from incoming
where claim_type = 'dme' and rendering_npi is not null
group by rendering_npi
