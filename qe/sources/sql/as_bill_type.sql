-- A type of bill of three characters: the leading zero of the four-character form is dropped.
create temp macro as_bill_type(value) as
case when length(value) = 4 and value[1] = '0' then upper(value[2:]) else upper(value) end
