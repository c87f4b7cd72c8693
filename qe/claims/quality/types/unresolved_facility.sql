-- Grain: one row. Decides: how many stays are at a facility that claims and roster know by an NPI alone, or at none.
select
    '' as source_id,
    count(*) as denominator,
    count(*) filter (where facility.unit_id is null or facility.id_type <> 'CCN') as failing
from stay
left join unit as facility on facility.unit_id = stay.facility_id
