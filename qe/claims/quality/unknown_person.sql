-- Grain: one row. Value: share of live claims whose person has no member month in any source.
with live as (
    select claim_id, person_id from claim where superseded_by is null and service_occurred
),
unknown as (
    select live.claim_id from live anti join member_month using (person_id)
)
select
    cast(coalesce((select count(*) from unknown) / nullif((select count(*) from live), 0), 0) as decimal(18, 6)) as value,
    (select count(*) from unknown) as affected
