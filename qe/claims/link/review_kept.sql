-- Grain: one row per pair for review: what an analyst decides on, and which of the compared facts agree and differ (words, no values;
-- what one side does not know is in neither).
insert into vault.link_review by name
with compared as (
    select
        pair_for_review.reason, member.source_id, member.native_person_id, person.source_id as other_source_id,
        person.native_person_id as other_native_person_id,
        [
            ('last name', member.last_name = person.last_name),
            ('first name', member.first_name = person.first_name),
            ('middle initial', member.middle_initial = person.middle_initial),
            ('birth date', member.birth_date = person.birth_date),
            ('sex', member.sex = person.sex),
            ('ZIP', member.zip5 = person.zip5),
            ('MBI', member.mbi = person.mbi)
        ] as facts
    from pair_for_review
    join pair_party as member on member.party_id = pair_for_review.group_id
    join pair_party as person on person.party_id = pair_for_review.cluster_id
)
select
    link_pair.pair_number, compared.source_id, compared.native_person_id, compared.other_source_id,
    compared.other_native_person_id, compared.reason,
    array_to_string([fact[1] for fact in compared.facts if fact[2]], ', ') as agrees,
    array_to_string([fact[1] for fact in compared.facts if not fact[2]], ', ') as differs
from compared
join vault.link_pair as link_pair using (source_id, native_person_id, other_source_id, other_native_person_id)
