-- Grain: one native person id of this run whose person or link is another than before. Decides: its key is written anew.
delete from vault.person_key
where (source_id, native_person_id) in (
    select source_id, native_person_id
    from known_key
    anti join kept_key using (party_id)
)
