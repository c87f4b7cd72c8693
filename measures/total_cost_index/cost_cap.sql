-- Grain: one row per measure and payer line. Decides: the cap of a year's cost (R9): the lowest that 99 % of the payer line do not exceed.
-- Source: method.md, section 3.
with ranked as (
    select
        measure_id,
        payer_type,
        yearly_cents,
        row_number() over (partition by measure_id, payer_type order by yearly_cents, event_id) as place,
        count(*) over (partition by measure_id, payer_type) as members
    from person_cost
    where member_months > 0
)
select measure_id, payer_type, min(yearly_cents) as cap_cents
from ranked
where place * 100 >= members * $cap_percentile
group by measure_id, payer_type
