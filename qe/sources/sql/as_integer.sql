-- The whole number ("30", "30.000") of a number read with four decimal places, or NULL when it is none.
create temp macro as_integer(number) as
case when number = round(number, 0) then try_cast(number as integer) end
