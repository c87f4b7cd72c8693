-- Grain: one row per pair and side: what each source says of the person, several statements joined by " / "; ordered by pair and side.
with side as (
    select pair_number, 1 as side, source_id, native_person_id
    from vault.link_pair
    union all
    select pair_number, 2, other_source_id, other_native_person_id
    from vault.link_pair
)
select
    side.pair_number, side.side, side.source_id, side.native_person_id,
    string_agg(distinct identity.last_name, ' / ' order by identity.last_name) as last_name,
    string_agg(distinct identity.first_name, ' / ' order by identity.first_name) as first_name,
    string_agg(distinct identity.middle_name, ' / ' order by identity.middle_name) as middle_name,
    string_agg(distinct cast(identity.birth_date as varchar), ' / ' order by cast(identity.birth_date as varchar)) as birth_date,
    string_agg(distinct cast(identity.sex as varchar), ' / ' order by cast(identity.sex as varchar)) as sex,
    string_agg(distinct identity.zip5, ' / ' order by identity.zip5) as zip5,
    string_agg(distinct identity.mbi, ' / ' order by identity.mbi) as mbi
from side
left join vault.identity as identity using (source_id, native_person_id)
where list_contains($pair_numbers, side.pair_number)
group by side.pair_number, side.side, side.source_id, side.native_person_id
order by side.pair_number, side.side
