-- Grain: one row per inpatient or SNF bill (working table): which stay it belongs to.
-- Decides: interim bills are one stay when person, facility and admission date are equal and every bill but the last has frequency 2 or 3
-- or status 30; a late-charge bill (5) joins the bill before it. A return to the same hospital on the day of discharge with the same
-- principal diagnosis continues the stay; with another diagnosis, or on the next day, it is a new one.
-- Source: measures_spec.md, correction 4 and section 5.3.
create or replace temp table bill as
with principal as (
    select claim_id, arg_min(code, sequence) as code, arg_min(icd_version, sequence) as icd_version
    from claim_diagnosis
    where kind = 'principal'
    group by claim_id
),
single_bill as (
    select
        claim.claim_id, claim.person_id, claim.facility_id, claim.facility_type, claim.claim_type,
        coalesce(claim.admit_date, claim.from_date) as admit_date,
        coalesce(claim.discharge_date, claim.thru_date, claim.from_date) as discharge_date,
        claim.from_date, claim.thru_date, coalesce(claim.frequency_code, substr(claim.bill_type, 3, 1)) as frequency_code,
        claim.discharge_status,
        coalesce(coalesce(claim.frequency_code, substr(claim.bill_type, 3, 1)) in ('2', '3'), false)
            or coalesce(claim.discharge_status = '30', false) as is_interim,
        principal.code as principal_diagnosis, principal.icd_version
    from claim
    left join principal using (claim_id)
    where claim.claim_type in ('inpatient', 'snf') and claim.service_occurred and claim.superseded_by is null
        and claim.duplicate_of is null
),
in_order as (
    select
        *,
        row_number() over admission as bill_number,
        lag(is_interim) over admission as follows_interim
    from single_bill
    window admission as (
        partition by person_id, claim_type, facility_id, admit_date
        order by from_date, thru_date, (frequency_code = '5') nulls first, try_cast(claim_id as bigint), claim_id
    )
),
chained as (
    select
        *,
        sum(case when bill_number = 1 or not (follows_interim or coalesce(frequency_code = '5', false)) then 1 else 0 end) over (
            partition by person_id, claim_type, facility_id, admit_date order by bill_number
        ) as chain_number
    from in_order
),
chain as (
    select
        person_id, claim_type, facility_id, admit_date, chain_number, max(discharge_date) as discharge_date,
        arg_max(principal_diagnosis, bill_number) as principal_diagnosis, arg_max(icd_version, bill_number) as icd_version,
        arg_max(is_interim, bill_number) as is_open
    from chained
    group by person_id, claim_type, facility_id, admit_date, chain_number
),
continued as (
    select
        *,
        coalesce(
            not lag(is_open) over facility
            and admit_date <= lag(discharge_date) over facility
            and principal_diagnosis = lag(principal_diagnosis) over facility
            and icd_version = lag(icd_version) over facility,
            false
        ) as continues
    from chain
    window facility as (
        partition by person_id, claim_type, facility_id order by admit_date, discharge_date, chain_number
    )
),
stay_number as (
    select
        *,
        sum(case when continues then 0 else 1 end) over (
            partition by person_id, claim_type, facility_id order by admit_date, discharge_date, chain_number
        ) as stay_number
    from continued
)
select
    chained.claim_id, chained.person_id, chained.claim_type, chained.facility_id, chained.facility_type, chained.admit_date,
    chained.discharge_date, chained.discharge_status, chained.is_interim, chained.principal_diagnosis, chained.icd_version,
    stay_number.stay_number,
    row_number() over stay as place,
    row_number() over (
        partition by chained.person_id, chained.claim_type, chained.facility_id, stay_number.stay_number
        order by chained.admit_date desc, chained.chain_number desc, chained.bill_number desc
    ) as place_from_end,
    last_value(chained.claim_id) over (
        partition by chained.person_id, chained.claim_type, chained.facility_id, stay_number.stay_number
        order by chained.admit_date, chained.chain_number, chained.bill_number
        rows between unbounded preceding and unbounded following
    ) as stay_id
from chained
join stay_number
    on stay_number.person_id = chained.person_id and stay_number.claim_type = chained.claim_type
    and stay_number.facility_id is not distinct from chained.facility_id and stay_number.admit_date = chained.admit_date
    and stay_number.chain_number = chained.chain_number
window stay as (
    partition by chained.person_id, chained.claim_type, chained.facility_id, stay_number.stay_number
    order by chained.admit_date, chained.chain_number, chained.bill_number
)
