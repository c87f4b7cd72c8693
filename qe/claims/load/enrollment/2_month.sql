-- Grain: one row per member and month that a span touches. Decides, since the spans tell no benefits: each covers medical services;
-- drugs are in view when the source delivered fills; a Medicare span has Part A and Part B. An open span lasts to its delivery's last
-- known day; none outlasts its source (an end of 9999-12-31 is no month of cover).
-- Source: docs/reference/source-kinds.md. End-stage renal disease: Medicare status 11, 21, 31 (CCW codebook, BENE_MDCR_STATUS_CD).
insert into month_part
with last_day as (
    select coalesce(max(end_date) filter (where end_date <= $source_end), max(start_date)) as day from incoming
),
span as (
    select
        incoming.native_person_id, incoming.delivery_order, incoming.start_date, incoming.medicare_status, incoming.dual_status,
        least(
            coalesce(incoming.end_date, last_day.day),
            coalesce(incoming.death_date, incoming.end_date, last_day.day),
            $source_end
        ) as end_date
    from incoming
    cross join last_day
),
covered as (
    select
        *,
        unnest(generate_series(cast(month_of(start_date) as timestamp), cast(month_of(end_date) as timestamp), interval 1 month)) as first_of_month
    from span
    where end_date >= start_date
),
monthly as (
    select *, cast(first_of_month as date) as month from covered
),
drugs as (
    select exists (select 1 from fill_seen where source_id = $source_id) as are_in_view
)
select
    $source_id, native_person_id, delivery_order, cast(start_date as varchar), month, $payer_id, $payer_type,
    $payer_type = 'medicare', $payer_type = 'medicare', $payer_type = 'medicare' and drugs.are_in_view,
    $payer_type = 'medicare_advantage', true, drugs.are_in_view,
    coalesce(medicare_status in ('11', '21', '31'), false),
    coalesce(dual_status in ('01', '02', '03', '04', '05', '06', '08'), false),
    true, null,
    case when start_date > month then start_date end,
    case when end_date < last_day(month) then end_date end,
    null
from monthly
cross join drugs
