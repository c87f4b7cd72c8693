-- Grain: one row per source and what became of the ids of its crosswalks: how many second ids of a person they brought, how persons were
-- found again, and ids that stand for somebody else than before.
insert into linkage_report
select source_id, case when kind = 'renumbered' then 'two_ids' else 'crosswalk' end, kind, cast(sum(persons) as bigint)
from crosswalk_binding
where kind <> 'oldest'
group by source_id, kind
