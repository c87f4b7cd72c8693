-- One month. Fails: not its first day, so that months would not meet in joins.
{column} <> date_trunc('month', {column})
