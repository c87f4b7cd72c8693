-- Grain: one row per party that shares its person with a smaller one. Decides: ids of one person within a source are linked as one.
create or replace temp table shared_group as
select party_id, group_id from smaller_group
union all
select party_id, group_id from shared_group anti join smaller_group using (party_id)
