-- Grain: one row per claim or fill, received file and fate: the lines of the file that say it. The first line of a file is 1.
select
    claim_row.kind, claim_row.claim_id, delivery.source_id, delivery.delivery_id, claim_row.fate,
    list(claim_row.row_number order by claim_row.row_number) as lines
from claim_row
join (select distinct kind, claim_id from related_claim) as wanted using (kind, claim_id)
join delivery using (sent_order)
group by claim_row.kind, claim_row.claim_id, delivery.source_id, delivery.delivery_id, delivery.sent_order, claim_row.fate
order by claim_row.kind, claim_row.claim_id, delivery.sent_order, claim_row.fate
