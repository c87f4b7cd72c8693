-- One row that was paid. Fails: paid and member's share together exceed the allowed amount by more than a cent.
case when {other} in ('paid', 'zero_paid') then paid_amount + member_amount > allowed_amount + 0.01 end
