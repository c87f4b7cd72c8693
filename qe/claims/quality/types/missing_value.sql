-- One row of a table. Fails: the value is not given; text may also be empty.
{column} is null or {is_blank}
