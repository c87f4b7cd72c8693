-- Grain: one row per stay and diagnosis. Decides: the last bill's principal diagnosis is the stay's; another bill's is a secondary one.
insert into stay_diagnosis
with slot as (
    select
        bill.stay_id, bill.place_from_end, claim_diagnosis.sequence, claim_diagnosis.code, claim_diagnosis.icd_version,
        claim_diagnosis.present_on_admission,
        case
            when claim_diagnosis.kind = 'principal' and bill.place_from_end > 1 then 'other'
            else claim_diagnosis.kind
        end as kind
    from bill
    join claim_diagnosis using (claim_id)
),
once as (
    select
        *,
        row_number() over (
            partition by stay_id, code, icd_version, kind in ('principal', 'other')
            order by case kind when 'principal' then 1 when 'other' then 2 when 'external' then 3 else 4 end,
                place_from_end, sequence
        ) as place
    from slot
)
select
    stay_id,
    row_number() over (
        partition by stay_id
        order by case kind when 'principal' then 1 when 'other' then 2 when 'external' then 3 else 4 end,
            place_from_end, sequence, code
    ),
    kind, code, icd_version, present_on_admission
from once
where place = 1
