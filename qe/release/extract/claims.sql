-- Grain: one row per Medicare claim among those asked about. Decides: which columns of a claim are released; no number of a person,
-- source, delivery or taxpayer is. Source: 42 CFR 401.717(c); rules.md section 0.7.
select
    claim_id, person_id, claim_type, from_date, thru_date, admit_date, discharge_date, bill_type, frequency_code, drg,
    admission_type, point_of_origin, discharge_status, facility_id, billing_npi, attending_npi, operating_npi, charge_amount,
    allowed_amount, paid_amount, member_amount, other_payer_amount, paid_status, paid_date
from claim
where payer_type = 'medicare' and claim_id in (select unnest(cast($claim_ids as varchar[])))
order by claim_id
