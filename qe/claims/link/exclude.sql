-- Grain: one candidate pair. Decides: what an analyst called different persons is never linked.
delete from link_candidate
where (group_id, cluster_id) in (select group_id, cluster_id from parted)
