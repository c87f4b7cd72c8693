-- Grain: one row. Decides: whether a crosswalk gives the persons of the staged file that is attached other ids than their own. Some kinds of
-- file name no person; the first crosswalk of a source leaves the ids as they are, unless it was sent anew.
select
    exists (select 1 from duckdb_columns() where database_name = 'staged' and column_name = 'native_person_id')
    and (
        not exists (select 1 from oldest_crosswalk where (source_id, crosswalk) = (current_delivery.source_id, current_delivery.crosswalk))
        or exists (
            select 1
            from bound_person
            where (source_id, crosswalk) = (current_delivery.source_id, current_delivery.crosswalk) and bound_id <> native_person_id
        )
    ) as is_bound
from current_delivery
