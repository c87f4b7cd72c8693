-- The five digits of a ZIP code: lost leading zeros put back, ZIP+4 cut.
create temp macro as_zip(value) as
case
    when contains(value, '-') then lpad(split_part(value, '-', 1), 5, '0')
    when length(value) <= 5 then digits_padded(value, 5)
    else digits_padded(value, 9)[:5]
end
