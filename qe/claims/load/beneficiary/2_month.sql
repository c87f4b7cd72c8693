-- Grain: one row per beneficiary and month with Part A or B. Decides: managed-care months and what Medicare files can observe.
-- Managed care: HMO indicator 1 2 A B C, or a blank indicator beside a Part C contract. 0 and 4 are fee-for-service.
-- Part D: a contract other than N, 0 and *. Buy-in 1 A: Part A; 2 B: Part B; 3 C: both. Source: claims_data.md section 1.
insert into month_part
with month_row as (
    select
        native_person_id, delivery_order, reference_year, esrd, unnest(generate_series(1, 12)) as number,
        buy_in, hmo, part_c_contract, part_d_contract, dual_status
    from incoming
),
coded as (
    select
        native_person_id, delivery_order, make_date(cast(reference_year as bigint), number, 1) as month, esrd,
        nullif(trim(buy_in[number]), '') as buy_in,
        nullif(trim(hmo[number]), '') as hmo,
        nullif(trim(part_c_contract[number]), '') as part_c_contract,
        nullif(trim(part_d_contract[number]), '') as part_d_contract,
        nullif(trim(dual_status[number]), '') as dual_status
    from month_row
),
judged as (
    select
        *,
        coalesce(buy_in in ('1', 'A', '3', 'C'), false) as part_a,
        coalesce(buy_in in ('2', 'B', '3', 'C'), false) as part_b,
        coalesce(part_d_contract not in ('N', '0', '*'), false) as part_d,
        coalesce(hmo in ('1', '2', 'A', 'B', 'C'), false)
            or (hmo is null and coalesce(part_c_contract not in ('0', 'N', '*'), false)) as managed_care
    from coded
)
select
    $source_id, native_person_id, delivery_order, null, month, $payer_id,
    case when managed_care then 'medicare_advantage' else 'medicare' end,
    part_a, part_b, part_d, managed_care,
    (part_a or part_b) and not managed_care,
    part_d,
    coalesce(esrd in ('Y', '1'), false),
    coalesce(dual_status in ('01', '02', '03', '04', '05', '06', '08'), false),
    true, null, null, null, null
from judged
where part_a or part_b or part_d
