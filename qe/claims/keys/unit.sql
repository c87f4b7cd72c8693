-- Grain: one row per unit not seen before. unit_id is U and six digits in sorted (id_type, identifier) order, kept for ever.
insert into vault.unit_key
select
    id_type, identifier,
    'U' || lpad(
        cast((select count(*) from vault.unit_key) + row_number() over (order by id_type, identifier) as varchar), 6, '0'
    )
from unit_candidate
anti join vault.unit_key using (id_type, identifier)
