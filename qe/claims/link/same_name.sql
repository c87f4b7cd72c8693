-- Grain: one row per pair of another payer's ids with name, birth date, sex and ZIP all equal and no contrary number or middle initial
-- (working table). Decides: an identity that more ids share than one person can have is nobody's (is_shared): its ids stay apart.
create or replace temp table same_name as
with pair as (
    select one.party_id, other.party_id as other_party_id
    from party as one
    join party as other using (source_id, last_name, first_name, birth_date, sex, zip5)
    where not one.is_medicare and one.party_id <> other.party_id
        and coalesce(one.mbi = other.mbi, true)
        and coalesce(one.ssn = other.ssn, true)
        and coalesce(one.middle_initial = other.middle_initial, true)
)
select party_id, other_party_id, count(*) over (partition by party_id) >= $most_ids as is_shared
from pair
