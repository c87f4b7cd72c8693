-- Grain: one native person id of this run. Decides: its key is written anew.
delete from vault.person_key
where exists (
    select 1 from party
    where party.source_id = person_key.source_id and party.native_person_id = person_key.native_person_id
)
