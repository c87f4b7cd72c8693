-- true, false, 1, 0 in any case, or NULL.
create temp macro as_boolean(value) as
case lower(value) when 'true' then true when '1' then true when 'false' then false when '0' then false end
