-- One service. Fails: its identifier was resolved to no unit, so that it counts for nobody.
{column} is null
