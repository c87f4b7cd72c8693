-- Grain: one row per pair that the last linkage left to an analyst and that nobody has decided since; ordered by its number.
-- agrees and differs name facts and hold no values.
with decided as (
    select
        least((source_id, native_person_id), (other_source_id, other_native_person_id)) as one,
        greatest((source_id, native_person_id), (other_source_id, other_native_person_id)) as other
    from vault.link_decision
)
select link_review.pair_number, link_review.source_id, link_review.other_source_id, link_review.reason, link_review.agrees, link_review.differs
from vault.link_review as link_review
anti join decided
    on decided.one = least(
        (link_review.source_id, link_review.native_person_id), (link_review.other_source_id, link_review.other_native_person_id)
    )
    and decided.other = greatest(
        (link_review.source_id, link_review.native_person_id), (link_review.other_source_id, link_review.other_native_person_id)
    )
order by link_review.pair_number
