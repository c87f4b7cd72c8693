-- Grain: one party. Decides: a member without a link is a person of its own.
update party set cluster_id = group_id, link_method = coalesce(link_method, 'own')
where population = $population and cluster_id is null
