-- Grain: one native person id of this run whose person or link is another than before. Decides: its key is written anew.
delete from vault.person_key
where exists (
    select 1
    from key_now
    where key_now.source_id = person_key.source_id and key_now.native_person_id = person_key.native_person_id
        and (key_now.person_id <> person_key.person_id or key_now.link_method <> person_key.link_method)
)
