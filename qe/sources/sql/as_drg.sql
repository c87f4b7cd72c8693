-- A DRG of three digits, however many leading zeros it came with.
create temp macro as_drg(value) as digits_padded(
    case when length(value) = 4 and value[1] = '0' then value[2:] else value end, 3
)
