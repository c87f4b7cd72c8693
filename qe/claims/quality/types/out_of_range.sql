-- One number. Fails: it lies outside its plausible range, both ends inside.
{column} not between {low} and {high}
