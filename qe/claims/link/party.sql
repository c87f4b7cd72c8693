-- Grain: one row per source and native person id. party_id counts in sorted (source_id, native_person_id) order: the order in which
-- party_row is stored. population is the order in which sources are linked: Medicare first, then by source_id. group_id is the person
-- within the source: the smallest party_id of his or her ids.
create or replace temp view party as
with numbered as (
    select
        rowid + 1 as party_id, population, native_person_id, mbi, ssn, last_name, first_name, middle_initial, birth_date, sex, zip5,
        surrogate_key, crossreference_key
    from party_row
)
select
    numbered.party_id, coalesce(shared_group.group_id, numbered.party_id) as group_id, population.source_id,
    numbered.native_person_id, numbered.population, population.is_medicare, numbered.mbi, numbered.ssn, numbered.last_name,
    numbered.first_name, numbered.middle_initial, numbered.birth_date, numbered.sex, numbered.zip5, numbered.surrogate_key,
    numbered.crossreference_key
from numbered
join population on population.number = numbered.population
left join shared_group using (party_id)
