-- Grain: one row per beneficiary and month with Part A, B or D. Decides: a count of months is laid to the first months of its year, since
-- the file does not say which they were: person-months are exact by year, their place inside the year is not.
insert into month_part
with month_row as (
    select
        native_person_id, delivery_order, reference_year, esrd, part_a_months, part_b_months, hmo_months, part_d_months,
        unnest(generate_series(1, 12)) as number
    from incoming
),
judged as (
    select
        native_person_id, delivery_order, esrd, make_date(cast(reference_year as bigint), number, 1) as month,
        coalesce(number <= part_a_months, false) as part_a,
        coalesce(number <= part_b_months, false) as part_b,
        coalesce(number <= part_d_months, false) as part_d,
        coalesce(number <= hmo_months, false) as managed_care
    from month_row
)
select
    $source_id, native_person_id, delivery_order, null, month, $payer_id,
    case when managed_care then 'medicare_advantage' else 'medicare' end,
    part_a, part_b, part_d, managed_care,
    (part_a or part_b) and not managed_care,
    part_d,
    coalesce(esrd in ('Y', '1'), false),
    false, true, null, null, null, null
from judged
where part_a or part_b or part_d
