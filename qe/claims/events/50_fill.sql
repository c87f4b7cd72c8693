-- Grain: one row per fill that stands. Decides: what is no fill: denied, reversed, void, superseded, or another payer's copy.
insert into fill
select
    pharmacy_fill.fill_id, pharmacy_fill.person_id, pharmacy_fill.payer_id, pharmacy_fill.payer_type, pharmacy_fill.fill_date,
    pharmacy_fill.ndc,
    list_sort(list_distinct(list_transform(coalesce(pharmacy_fill.ingredients, []), lambda name: upper(trim(name))))),
    coalesce(len(pharmacy_fill.ingredients), 0) > 0, pharmacy_fill.days_supply, pharmacy_fill.quantity,
    pharmacy_fill.brand_generic, coalesce(prescriber.unit_id, pharmacy_fill.prescriber_npi), pharmacy_fill.allowed_amount,
    pharmacy_fill.paid_amount
from pharmacy_fill
left join identifier_unit as prescriber
    on prescriber.id_type = 'NPI' and prescriber.identifier = pharmacy_fill.prescriber_npi
where coalesce(pharmacy_fill.fill_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
    and coalesce(pharmacy_fill.line_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
    and pharmacy_fill.superseded_by is null and pharmacy_fill.duplicate_of is null
