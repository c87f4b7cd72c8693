-- Grain: one row. Value: claims beyond the first of a claim_id, and lines beyond the first of a claim and line number.
select
    cast(
        (select count(*) - count(distinct claim_id) from claim)
        + (select count(*) - count(distinct (claim_id, line_number)) from claim_line)
        + (select count(*) - count(distinct fill_id) from pharmacy_fill) as decimal(18, 6)
    ) as value,
    (select count(*) - count(distinct claim_id) from claim)
    + (select count(*) - count(distinct (claim_id, line_number)) from claim_line)
    + (select count(*) - count(distinct fill_id) from pharmacy_fill) as affected
