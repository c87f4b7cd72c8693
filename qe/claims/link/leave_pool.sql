-- Grain: one party. Decides: a person who has a member of this population is no longer compared with it.
delete from link_pool
where cluster_id in (select cluster_id from accepted)
