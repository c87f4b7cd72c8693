-- Grain: one row per source and what became of the ids of its crosswalks: how many second ids of a person they brought, how persons were
-- found again, and ids that stand for somebody else than before.
insert into linkage_report
select source_id, 'two_ids', 'renumbered', count(distinct (bound_id, native_person_id)) - count(distinct bound_id) as persons
from bound_person
group by source_id
having persons > 0
union all
select source_id, 'crosswalk', kind, cast(sum(persons) as bigint)
from crosswalk_binding
where kind not in ('oldest', 'renumbered')                        -- a version may repeat the ids of the one before
group by source_id, kind
