-- Grain: one row per pair of parties on which an analyst has decided (working table). Decides: of several decisions on a pair the last
-- one is in force.
create or replace temp table decision as
with made as (
    select
        least(one.party_id, other.party_id) as party_id, greatest(one.party_id, other.party_id) as other_party_id,
        link_decision.decision, coalesce(link_decision.decision_number, 0) as decision_number
    from vault.link_decision as link_decision
    join party as one
        on one.source_id = link_decision.source_id and one.native_person_id = link_decision.native_person_id
    join party as other
        on other.source_id = link_decision.other_source_id and other.native_person_id = link_decision.other_native_person_id
    where one.party_id <> other.party_id
)
select party_id, other_party_id, arg_max(decision, decision_number) as decision
from made
group by party_id, other_party_id
