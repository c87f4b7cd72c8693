-- Grain: one row per pair asked for, by its number.
select pair_number, source_id, native_person_id, other_source_id, other_native_person_id
from vault.link_pair
where list_contains($pair_numbers, pair_number)
order by pair_number
