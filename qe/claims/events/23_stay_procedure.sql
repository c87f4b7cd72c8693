-- Grain: one row per stay, procedure and day, in order of the slots of its bills.
insert into stay_procedure
with once as (
    select
        bill.stay_id, claim_procedure.code, claim_procedure.icd_version, claim_procedure.procedure_date,
        min(bill.place * 1000 + claim_procedure.sequence) as slot
    from bill
    join claim_procedure using (claim_id)
    group by bill.stay_id, claim_procedure.code, claim_procedure.icd_version, claim_procedure.procedure_date
)
select
    stay_id, row_number() over (partition by stay_id order by slot, code, procedure_date nulls last), code, icd_version,
    procedure_date
from once
