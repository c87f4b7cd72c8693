-- The ICD revision (9 or 10) of a code: its own flag, else by date (ICD-10 from 2015-10-01, 45 CFR 162.1002).
create temp macro as_icd_version(flag, on_date) as
case
    when lower(flag) in ('0', '10', 'icd-10-cm', 'icd-10-pcs') then 10
    when lower(flag) in ('9', '09', 'icd-9-cm', 'icd-9-pcs') then 9
    when on_date < date '2015-10-01' then 9
    else 10
end
