-- An NDC of 11 digits: hyphens taken out, lost leading zeros put back.
create temp macro as_ndc(value) as digits_padded(replace(upper(value), '-', ''), 11)
