-- One row. Fails: the two dates lie further apart than such rows do (days).
{other} - {column} > {limit}
