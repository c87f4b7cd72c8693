-- Grain: one row per pair of native ids that are one person within a source. Decides: Medicare ids by surrogate and cross-reference key
-- (two BENE_IDs of one person); other payers' by name, birth date, sex and ZIP all equal; any source by an analyst's decision.
select least(one.party_id, other.party_id) as party_id, greatest(one.party_id, other.party_id) as other_party_id
from party as one
join party as other on other.source_id = one.source_id and other.surrogate_key = one.crossreference_key
where other.party_id <> one.party_id
union
select one.party_id, other.party_id
from party as one
join party as other on other.source_id = one.source_id and other.crossreference_key = one.crossreference_key
where one.party_id < other.party_id
union
select one.party_id, other.party_id
from party as one
join party as other
    on other.source_id = one.source_id and other.last_name = one.last_name and other.first_name = one.first_name
    and other.birth_date = one.birth_date and other.sex = one.sex and other.zip5 = one.zip5
where not one.is_medicare and one.party_id < other.party_id
    and (one.mbi is null or other.mbi is null or one.mbi = other.mbi)
    and (one.ssn is null or other.ssn is null or one.ssn = other.ssn)
union
select least(one.party_id, other.party_id), greatest(one.party_id, other.party_id)
from vault.link_decision as decision
join party as one on one.source_id = decision.source_id and one.native_person_id = decision.native_person_id
join party as other
    on other.source_id = decision.other_source_id and other.native_person_id = decision.other_native_person_id
where decision.decision = 'same' and one.source_id = other.source_id and one.party_id <> other.party_id
order by 1, 2
