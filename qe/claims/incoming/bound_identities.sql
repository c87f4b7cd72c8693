-- Grain: one row per accepted row of the staged file that is attached: its identifying columns, under the person's bound id.
create or replace temp view incoming as
select
    identity_row.* replace (
        coalesce(
            bound_person.bound_id,
            identity_row.native_person_id || case when first_version.crosswalk is null then '@' || current_delivery.crosswalk else '' end
        ) as native_person_id
    )
from staged.identity_row
cross join current_delivery
left join bound_person
    on bound_person.source_id = current_delivery.source_id and bound_person.crosswalk = current_delivery.crosswalk
    and bound_person.native_person_id = identity_row.native_person_id
left join oldest_crosswalk as first_version
    on first_version.source_id = current_delivery.source_id and first_version.crosswalk = current_delivery.crosswalk
