-- One row. Fails: ICD-9 after September 2015 or ICD-10 before; a stay that began before and ended after may carry either.
case
    when {other} < date '2015-10-01' then {column} <> 9
    when {other} > date '2015-10-31' then {column} <> 10
end
