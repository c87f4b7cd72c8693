-- One row. Fails: dollars on a row that was denied, void or paid nothing. Capitated rows are paid by the month: they say nothing.
case
    when {column} in ('denied', 'void', 'zero_paid') then paid_amount > 0
    when {column} = 'paid' and not coalesce(repriced, false) then paid_amount = 0 and coalesce(allowed_amount, 0) > 0 and coalesce(member_amount, 0) = 0
end
