-- Grain: one row per source whose ids were encrypted anew: how many second ids of a person the crosswalks brought.
insert into linkage_report
select source_id, 'two_ids', 'renumbered', cast(sum(persons) as bigint)
from crosswalk_binding
where kind = 'renumbered'
group by source_id
