-- Grain: one row per Medicare prescription among those asked about. Decides: which columns of a fill are released.
select
    fill_id, person_id, fill_date, ndc, ingredients, brand_generic, days_supply, quantity, prescriber_npi, pharmacy_npi,
    allowed_amount, paid_amount, member_amount, fill_status, paid_date
from pharmacy_fill
where payer_type = 'medicare' and fill_id in (select unnest(cast($fill_ids as varchar[])))
order by fill_id
