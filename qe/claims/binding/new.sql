-- Grain: one row per beneficiary of the version that no older one knows. Decides: the id is this version's own, whatever it stood for before;
-- where the vault knows somebody by that name already, the crosswalk file's number is added.
insert into bound_person
with named as (
    select
        binding_member.*,
        native_person_id || case when oldest_crosswalk.crosswalk is null then '@' || binding_member.crosswalk else '' end as own_id
    from binding_member
    left join oldest_crosswalk using (source_id, crosswalk)
),
taken as (
    select native_person_id as own_id from vault.identity where source_id = $source_id and origin = 'crosswalk'
    union
    select bound_id from bound_person where source_id = $source_id
)
select
    source_id, crosswalk, version_order, native_person_id,
    case when own_id in (select own_id from taken) then own_id || '@' || $delivery_id else own_id end, 'new'
from named
