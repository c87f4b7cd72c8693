-- Grain: one row per fill of the data.
select
    pharmacy_fill.fill_id, pharmacy_fill.person_id, pharmacy_fill.payer_type, pharmacy_fill.fill_date, pharmacy_fill.ndc,
    pharmacy_fill.brand_generic, pharmacy_fill.days_supply, pharmacy_fill.prescriber_npi, pharmacy_fill.pharmacy_npi,
    pharmacy_fill.allowed_amount, pharmacy_fill.paid_amount
from pharmacy_fill
semi join released_row on released_row.kind = 'fill' and released_row.number = pharmacy_fill.fill_id
order by pharmacy_fill.fill_id
