-- Whether a HCPCS code is one that only equipment suppliers bill: durable medical equipment (E, K). Source: HCPCS Level II, sections E and K.
create or replace temp macro is_equipment_code(hcpcs) as coalesce(hcpcs similar to '[EK].*', false)
