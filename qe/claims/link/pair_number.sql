-- Grain: one row per pair that was ever left to an analyst, by its first native ids. Decides: a pair keeps the number it is known by.
insert into vault.link_pair
select
    (select coalesce(max(pair_number), 0) from vault.link_pair)
        + row_number() over (
            order by member.source_id, member.native_person_id, person.source_id, person.native_person_id
        ) as pair_number,
    member.source_id, member.native_person_id, person.source_id as other_source_id,
    person.native_person_id as other_native_person_id
from pair_for_review
join pair_party as member on member.party_id = pair_for_review.group_id
join pair_party as person on person.party_id = pair_for_review.cluster_id
anti join vault.link_pair as known
    on known.source_id = member.source_id and known.native_person_id = member.native_person_id
    and known.other_source_id = person.source_id and known.other_native_person_id = person.native_person_id
