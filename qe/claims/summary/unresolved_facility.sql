-- Grain: one row per facility known only by an NPI (no CCN in claims or roster): its stays and dollars.
create table unresolved_facility as
select unit.unit_id, count(distinct stay.stay_id) as stays, cast(coalesce(sum(stay.allowed_amount), 0) as decimal(14, 2)) as allowed_amount
from unit
left join stay on stay.facility_id = unit.unit_id
where unit.level = 'facility' and unit.id_type <> 'CCN'
group by unit.unit_id
order by unit.unit_id
