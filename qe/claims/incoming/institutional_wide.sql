-- Grain: one row per claim and procedure code; a claim without any has one row without a line. Decides: a claim is what its first
-- segment says; further segments bring codes alone (CMS counts their amounts nowhere). A segment whose first was not delivered has
-- neither day nor claim: it is an orphan. The codes have no amounts of their own.
create or replace temp view incoming as
with header as (
    select *, row_number() over (partition by claim_type, native_claim_id order by segment, sent_order desc, row_number) as place
    from delivered
    where thru_date is not null
),
coded as (
    select
        delivered.claim_type, delivered.native_claim_id, delivered.segment, delivered.row_number, unnested.code,
        unnested.position
    from delivered
    cross join unnest(delivered.line_codes) with ordinality as unnested (code, position)
    where unnested.code is not null
),
numbered as (
    select
        claim_type, native_claim_id, code,
        row_number() over (partition by claim_type, native_claim_id order by segment, row_number, position) as line_number
    from coded
),
further as (                                                      -- diagnoses of later segments, after those of the first
    select
        claim_type, native_claim_id,
        list({'sequence': 100 * segment + slot.sequence, 'kind': 'other', 'code': slot.code, 'icd_version': slot.icd_version,
            'present_on_admission': slot.present_on_admission} order by segment, slot.sequence) as diagnoses
    from (select claim_type, native_claim_id, segment, unnest(diagnoses) as slot from delivered where thru_date is null) as later
    group by claim_type, native_claim_id
)
select
    header.row_number, header.delivery_id, header.delivery_order, header.sent_order, header.native_person_id, header.native_claim_id, header.claim_type,
    coalesce(header.from_date, header.thru_date) as from_date, header.thru_date, header.admit_date, header.discharge_date,
    header.facility_ccn, header.billing_npi, header.attending_npi, header.operating_npi, header.rendering_npi,
    header.facility_code, header.service_code, header.frequency_code, header.drg, header.admission_type, header.point_of_origin,
    header.discharge_status, header.non_payment_reason, header.mco_paid, header.final_action, header.claim_paid_amount,
    header.primary_payer_amount, header.primary_payer_code, header.claim_charge_amount, header.pass_through_per_diem,
    header.covered_days, header.deductible_amount, header.coinsurance_amount, header.blood_deductible_amount, header.paid_date,
    list_concat(header.diagnoses, coalesce(further.diagnoses, [])) as diagnoses, header.procedures,
    cast(numbered.line_number as integer) as line_number, cast(null as varchar) as revenue_code, cast(null as date) as line_date,
    numbered.code as hcpcs, cast([] as varchar[]) as modifiers, cast(null as decimal(18, 4)) as units, cast(null as varchar) as ndc,
    cast(null as decimal(14, 2)) as line_charge_amount, cast(null as decimal(14, 2)) as line_paid_amount,
    cast(null as decimal(14, 2)) as line_noncovered_amount, cast(null as decimal(14, 2)) as line_deductible_amount,
    cast(null as decimal(14, 2)) as line_coinsurance_amount
from header
left join numbered using (claim_type, native_claim_id)
left join further using (claim_type, native_claim_id)
where header.place = 1
