-- Grain: one row per identifier (CCN, NPI, TIN) of a facility: its unit and type. What claims are joined to.
create temp table facility_ref as
select id_type, identifier, min(unit_id) as unit_id, min(facility_type) as facility_type
from provider_identifier
where facility_type is not null
group by id_type, identifier
