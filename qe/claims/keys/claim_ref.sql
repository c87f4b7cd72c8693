-- Grain: one row per claim and delivery. Decides: a later delivery supersedes the whole earlier claim; the earlier one is kept as "<id>-<n>".
create temp table claim_ref as
with placed as (
    select
        source_id, claim_kind, native_claim_id, delivery_order,
        row_number() over (partition by source_id, claim_kind, native_claim_id order by delivery_order) as place,
        count(*) over (partition by source_id, claim_kind, native_claim_id) as deliveries
    from (select distinct source_id, claim_kind, native_claim_id, delivery_order from claim_seen) as seen
)
select
    placed.source_id, placed.claim_kind, placed.native_claim_id, placed.delivery_order,
    cast(claim_key.claim_id as varchar) || case when place < deliveries then '-' || place else '' end as claim_id,
    case when place < deliveries then cast(claim_key.claim_id as varchar) end as superseded_by
from placed
join vault.claim_key using (source_id, claim_kind, native_claim_id)
