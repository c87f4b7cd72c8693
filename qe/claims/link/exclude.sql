-- Grain: one candidate pair. Decides: what an analyst called different persons is never linked.
delete from link_candidate
where exists (
    select 1
    from vault.link_decision as decision
    join party as one on one.source_id = decision.source_id and one.native_person_id = decision.native_person_id
    join party as other
        on other.source_id = decision.other_source_id and other.native_person_id = decision.other_native_person_id
    where decision.decision = 'different'
        and (
            (one.group_id = link_candidate.group_id and other.cluster_id = link_candidate.cluster_id)
            or (other.group_id = link_candidate.group_id and one.cluster_id = link_candidate.cluster_id)
        )
)
