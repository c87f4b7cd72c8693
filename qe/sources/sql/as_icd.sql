-- An ICD code without dots, in upper case.
create temp macro as_icd(value) as upper(replace(value, '.', ''))
