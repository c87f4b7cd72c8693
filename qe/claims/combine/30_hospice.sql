-- Grain: one member month. Decides: a month is a hospice month when a hospice claim of the person touches it (MBSF carries
-- no flag), or when a model given as files says so.
update member_month
set hospice = coalesce(hospice, false) or exists (
    select 1
    from claim
    where claim.claim_type = 'hospice' and claim.service_occurred and claim.superseded_by is null
        and claim.person_id = member_month.person_id
        and claim.from_date <= last_day(member_month.month) and claim.thru_date >= member_month.month
)
