-- Dollars and cents of a number read with four decimal places, or NULL when it has more than two. With `implied`, a text
-- without a point counts cents.
create temp macro as_amount(value, number, implied) as
case
    when implied and not contains(value, '.') then try_cast(number * 0.01 as decimal(14, 2))
    when number = round(number, 2) then try_cast(number as decimal(14, 2))
end
