-- One row. Fails: the date that comes first lies after the other.
{column} > {other}
