-- One value. Fails: a blank that would make equal codes unequal, or text of no length, which is not the same as no value.
{column} = '' or {column} <> trim({column})
