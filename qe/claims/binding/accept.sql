-- Grain: one row per beneficiary that a pass binds. Decides: a pair holds when each is the other's only candidate; the rest carry on.
insert into bound_person
with candidate as (
    select distinct native_person_id, bound_id
    from binding_candidate
),
counted as (
    select
        native_person_id, bound_id, count(*) over (partition by native_person_id) as persons,
        count(*) over (partition by bound_id) as members
    from candidate
)
select $source_id, $crosswalk, $version_order, native_person_id, bound_id, $method
from counted
where persons = 1 and members = 1
