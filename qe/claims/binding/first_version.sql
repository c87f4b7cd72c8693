-- Grain: one row per source with crosswalks. Decides: the version whose ids stay as they are is the one that was the oldest when the vault
-- first met the source, whether it is still delivered or not; for a new source the oldest of this run.
insert into oldest_crosswalk
with remembered as (
    select source_id, min(crosswalk) as crosswalk
    from vault.beneficiary_binding
    where method = 'oldest'
    group by source_id
)
select crosswalk_person.source_id, coalesce(any_value(remembered.crosswalk), arg_min(crosswalk_person.crosswalk, version_order))
from crosswalk_person
left join remembered using (source_id)
group by crosswalk_person.source_id
