-- Grain: one row per accepted row of the staged file that is attached, as it was delivered. Decides: a beneficiary id is looked up in the crosswalk version of
-- its own delivery; one that stands in none is that version's own.
create or replace temp view delivered as
select
    staged_row.* replace (
        coalesce(
            bound_person.bound_id,
            staged_row.native_person_id || case when first_version.crosswalk is null then '@' || current_delivery.crosswalk else '' end
        ) as native_person_id
    ),
    current_delivery.delivery_order, current_delivery.sent_order, current_delivery.delivery_id, false as is_repeated
from staged.staged_row
cross join current_delivery
left join bound_person
    on bound_person.source_id = current_delivery.source_id and bound_person.crosswalk = current_delivery.crosswalk
    and bound_person.native_person_id = staged_row.native_person_id
left join oldest_crosswalk as first_version
    on first_version.source_id = current_delivery.source_id and first_version.crosswalk = current_delivery.crosswalk
