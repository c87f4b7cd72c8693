-- Grain: one party. Decides: a linked member is no longer compared.
delete from link_member
where group_id in (select group_id from accepted)
