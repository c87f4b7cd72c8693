-- Grain: one row per file. Decides: nothing; says how many claims' header payment differs from the sum of their lines (a cent and more).
insert into line_reconciliation
select $delivery_id, $source_id, count(*), count(*) filter (where stated_paid_amount <> line_paid_amount)
from (
    select
        professional_header.stated_paid_amount, sum(coalesce(incoming.line_paid_amount, 0)) as line_paid_amount
    from incoming
    join professional_line
        on professional_line.claim_type = incoming.claim_type and professional_line.native_claim_id = incoming.native_claim_id
        and professional_line.place = 1
    join professional_header using (claim_id)
    group by professional_header.claim_id, professional_header.stated_paid_amount
) as compared
