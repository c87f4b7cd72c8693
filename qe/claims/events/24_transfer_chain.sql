-- Grain: one row per acute stay. Decides: discharge from one acute hospital and admission to another on the same or the next day, or before
-- the discharge, is a transfer, whatever the discharge status says. Stays follow each other by the day of discharge.
-- Source: measures_spec.md section 5.3.
insert into transfer_chain
with acute as (
    select
        stay_id, person_id, facility_id, admit_date, coalesce(discharge_date, admit_date) as discharge_date
    from stay
    where is_acute
),
in_order as (
    select
        *,
        coalesce(
            admit_date <= lag(discharge_date) over person_stay + 1
            and facility_id is distinct from lag(facility_id) over person_stay,
            false
        ) as is_transfer
    from acute
    window person_stay as (partition by person_id order by discharge_date, admit_date, try_cast(stay_id as bigint), stay_id)
),
numbered as (
    select
        *,
        sum(case when is_transfer then 0 else 1 end) over (
            partition by person_id order by discharge_date, admit_date, try_cast(stay_id as bigint), stay_id
        ) as chain_number
    from in_order
),
placed as (
    select
        *,
        row_number() over chain_order as position,
        count(*) over (partition by person_id, chain_number) as stays,
        min(admit_date) over (partition by person_id, chain_number) as chain_admit_date,
        max(discharge_date) over (partition by person_id, chain_number) as chain_discharge_date,
        last_value(stay_id) over (
            partition by person_id, chain_number order by discharge_date, admit_date, try_cast(stay_id as bigint), stay_id
            rows between unbounded preceding and unbounded following
        ) as chain_id
    from numbered
    window chain_order as (
        partition by person_id, chain_number order by discharge_date, admit_date, try_cast(stay_id as bigint), stay_id
    )
)
select
    chain_id, stay_id, position, position = 1, position = stays, person_id, chain_admit_date, chain_discharge_date
from placed
