-- The number that a text states, with up to four decimal places, or NULL.
create temp macro as_number(value) as try_cast(value as decimal(18, 4))
