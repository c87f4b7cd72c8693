-- One amount. Fails: it is negative after final action. Rows that were reversed or void may take back what an earlier one gave.
case when coalesce({status}, 'paid') not in ('reversed', 'void') then {column} < 0 end
