-- Whether a facility type is an acute hospital: short-term, critical access, PPS-exempt cancer.
create or replace temp macro is_acute_type(facility_type) as
    coalesce(facility_type in ('short_term', 'cah', 'cancer_exempt'), false)
