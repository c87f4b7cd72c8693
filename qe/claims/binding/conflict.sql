-- Grain: one row per source and crosswalk version in which two files of one delivery give an id to two persons, with the number of such
-- ids. Decides: surrogate keys, birth dates or sexes that are contrary, or an MBI and a name that both are, are two persons.
select one.source_id, one.crosswalk, count(distinct one.native_person_id) as ids
from crosswalk_row as one
join crosswalk_row as other using (source_id, crosswalk, native_person_id)
where one.sent_order < other.sent_order
    and (
        one.surrogate_key <> other.surrogate_key or one.birth_date <> other.birth_date
        or nullif(one.sex, 0) <> nullif(other.sex, 0)
        or (one.mbi <> other.mbi and (one.last_name <> other.last_name or one.first_name <> other.first_name))
    )
group by one.source_id, one.crosswalk
order by one.source_id, one.crosswalk
