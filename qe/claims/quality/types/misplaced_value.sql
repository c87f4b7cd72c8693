-- One row of a table. Fails: a value stands where the type of claim has none; nothing to pay is no value.
{column} is not null and cast({column} as varchar) not in ('0', '0.00')
