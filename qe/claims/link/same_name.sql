-- Grain: one row per pair of another payer's ids with name, birth date, sex and ZIP all equal and no contrary number or middle initial
-- (working table). Decides: an identity that more ids share than one person can have is nobody's (is_shared): its ids stay apart, and so
-- do those that fit one of them. So does an id that fits two which contradict each other: nothing says which of them it is.
-- That pairs are few is the birth dates' doing: one of very many ids is a placeholder (placeholder.sql).
create or replace temp table same_name as
with pair as (
    select one.party_id, other.party_id as other_party_id, other.mbi, other.ssn, other.middle_initial
    from party as one
    join party as other using (source_id, last_name, first_name, birth_date, sex, zip5)
    where not one.is_medicare and not other.is_medicare and one.party_id <> other.party_id
        and coalesce(one.mbi = other.mbi, true)
        and coalesce(one.ssn = other.ssn, true)
        and coalesce(one.middle_initial = other.middle_initial, true)
),
shared as (
    select party_id
    from pair
    group by party_id
    having count(*) >= $most_ids
        or min(mbi) <> max(mbi) or min(ssn) <> max(ssn) or min(middle_initial) <> max(middle_initial)
)
select
    party_id, other_party_id,
    party_id in (select party_id from shared) or other_party_id in (select party_id from shared) as is_shared
from pair
