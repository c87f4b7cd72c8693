-- Grain: one row per party of a pair for review (working table): what is known of these few, read once.
create or replace temp table pair_party as
select
    party_id, source_id, native_person_id, mbi, last_name, first_name, middle_initial, birth_date, sex, zip5
from party
where party_id in (select group_id from pair_for_review union select cluster_id from pair_for_review)
