-- Grain: one row per pair of native ids that are one person within a source (working table). Decides: Medicare ids by surrogate and
-- cross-reference key (two BENE_IDs of one person), and by equal MBI unless birth date and first name both disagree; other payers' by
-- name, birth date, sex and ZIP all equal (same_name.sql); any source by an analyst's decision.
create or replace temp table same_person as
with crossreferenced as (
    select one.party_id, other.party_id as other_party_id
    from party as one
    join party as other on other.source_id = one.source_id and other.surrogate_key = one.crossreference_key
    where one.is_medicare and other.party_id <> one.party_id
    union
    select one.party_id, other.party_id
    from party as one
    join party as other on other.source_id = one.source_id and other.crossreference_key = one.crossreference_key
    where one.is_medicare and one.party_id < other.party_id
),
of_shared_mbi as (                                 -- the few of whom another id has the number too
    select party_id, population, mbi, first_name, birth_date
    from party
    where is_medicare and mbi in (select value from shared_number where fact = 'mbi')
),
same_mbi as (
    select one.party_id, other.party_id as other_party_id
    from of_shared_mbi as one
    join of_shared_mbi as other using (population, mbi)
    where one.party_id < other.party_id
        and (
            one.birth_date = other.birth_date or one.first_name = other.first_name
            or one.birth_date is null or other.birth_date is null
        )
),
decided as (
    select decision.party_id, decision.other_party_id
    from decision
    join party as one on one.party_id = decision.party_id
    join party as other on other.party_id = decision.other_party_id
    where decision.decision = 'same' and one.source_id = other.source_id
),
pair as (
    select party_id, other_party_id from crossreferenced
    union
    select party_id, other_party_id from same_mbi
    union
    select party_id, other_party_id from same_name where not is_shared
    union
    select party_id, other_party_id from decided
)
select least(pair.party_id, pair.other_party_id) as party_id, greatest(pair.party_id, pair.other_party_id) as other_party_id
from pair
anti join (select party_id, other_party_id from decision where decision = 'different') as parted
    on parted.party_id = least(pair.party_id, pair.other_party_id)
    and parted.other_party_id = greatest(pair.party_id, pair.other_party_id)
