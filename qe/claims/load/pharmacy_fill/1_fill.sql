-- Grain: one row per fill of the file; its status and amounts are taken as given.
insert into pharmacy_fill
select
    fill_ref.fill_id, $source_id, coalesce(incoming.payer_id, $payer_id), $payer_type, person_ref.person_id, incoming.fill_date,
    incoming.ndc, incoming.ingredients, incoming.brand_generic, incoming.days_supply, incoming.quantity, incoming.prescriber_npi,
    incoming.pharmacy_npi, incoming.allowed_amount, incoming.paid_amount, incoming.member_amount,
    coalesce(incoming.fill_status, 'paid'), incoming.line_status, null, null, $delivery_id, 1, fill_ref.superseded_by, null,
    coalesce(incoming.repriced, false)
from incoming
join fill_ref
    on fill_ref.source_id = $source_id and fill_ref.native_fill_id = incoming.fill_id
    and fill_ref.delivery_order = incoming.delivery_order
join person_ref on person_ref.source_id = $source_id and person_ref.native_person_id = incoming.person_id
where incoming.superseded_by is null
