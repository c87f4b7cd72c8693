-- Grain: one row per decision on a pair that was in the queue, the first one first; the last one on a pair is in force.
select
    link_pair.pair_number, link_decision.decision_number, link_pair.source_id, link_pair.other_source_id, link_decision.decision,
    link_decision.decided_by, link_decision.decided_at,
    link_decision.decision_number = max(link_decision.decision_number) over (partition by link_pair.pair_number) as is_in_force
from vault.link_pair as link_pair
join vault.link_decision as link_decision
    on least((link_decision.source_id, link_decision.native_person_id), (link_decision.other_source_id, link_decision.other_native_person_id))
        = least((link_pair.source_id, link_pair.native_person_id), (link_pair.other_source_id, link_pair.other_native_person_id))
    and greatest((link_decision.source_id, link_decision.native_person_id), (link_decision.other_source_id, link_decision.other_native_person_id))
        = greatest((link_pair.source_id, link_pair.native_person_id), (link_pair.other_source_id, link_pair.other_native_person_id))
order by link_decision.decision_number, link_pair.pair_number
