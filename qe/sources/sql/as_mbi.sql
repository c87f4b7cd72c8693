-- A Medicare Beneficiary Identifier without hyphens, or NULL when the value has not its form (CMS: 11 characters,
-- digits at 1, 4, 7, 10, 11, letters at 2, 5, 8, 9).
create temp macro as_mbi(value) as
case
    when regexp_full_match(
        upper(replace(value, '-', '')), '[1-9][A-Z][0-9A-Z][0-9][A-Z][0-9A-Z][0-9][A-Z][A-Z][0-9][0-9]'
    ) then upper(replace(value, '-', ''))
end
