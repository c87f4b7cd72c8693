-- Grain: one row per unit and identifier by which a contact of it is found. Decides: a TIN under which a group bills is the group's, not the
-- facility's beside it; a facility keeps a TIN that no group has, and all its other identifiers.
with tin_of_group as (
    select distinct identifier
    from provider_identifier
    where id_type = 'TIN' and facility_type is null
),
tin_of_facility as (
    select unit_id, id_type, identifier
    from provider_identifier
    where id_type = 'TIN' and facility_type is not null
)
select unit_id, id_type, identifier
from provider_identifier
where id_type <> 'TIN' or facility_type is null
union
select unit_id, id_type, identifier
from tin_of_facility
anti join tin_of_group using (identifier)
