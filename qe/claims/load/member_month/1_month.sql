-- Grain: one row per person, month and product of the file, taken as given.
insert into month_part
select
    $source_id, person_id, delivery_order, null, month_of(month), coalesce(payer_id, $payer_id), coalesce(payer_type, $payer_type),
    part_a, part_b, part_d, managed_care, medical, pharmacy, esrd, dual, coalesce(is_primary, true), product, covered_from,
    covered_to, hospice
from incoming
