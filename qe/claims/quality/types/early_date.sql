-- One date. Fails: it lies before 1900: no person in claims was born or served then.
{column} < date '1900-01-01'
