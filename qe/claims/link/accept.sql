-- Grain: one party. Decides: a pair is linked when the member has one candidate and the person has one candidate; all others carry on.
update party set cluster_id = single.cluster_id, link_method = $method
from (
    select group_id, cluster_id
    from (
        select
            group_id, cluster_id, count(*) over (partition by group_id) as persons,
            count(*) over (partition by cluster_id) as members
        from link_candidate
    ) as counted
    where persons = 1 and members = 1
) as single
where single.group_id = party.group_id and party.population = $population and party.cluster_id is null
