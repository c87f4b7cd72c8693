-- A code of digits alone with its lost leading zeros; every other code as it is.
create temp macro digits_padded(value, width) as
case
    when length(value) < width and try_cast(value as bigint) >= 0 and not contains(value, '+') then lpad(value, width, '0')
    else value
end
