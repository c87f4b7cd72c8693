-- Whether our sources hold the hospital claims of a person-month: a payer submits its medical claims, and where that is original
-- Medicare the person has Part A and is in no managed care (the plan holds the claims). What a source does not say of Part A is no lack of it.
create or replace temp macro holds_hospital_claims(medical, payer_type, managed_care, part_a) as
    coalesce(medical, false)
    and not (coalesce(payer_type, '') = 'medicare' and (coalesce(managed_care, false) or not coalesce(part_a, true)))
