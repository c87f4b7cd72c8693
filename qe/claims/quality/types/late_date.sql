-- One date. Fails: it lies in a future that no delivery can know. last_day: the latest `end` of the sources of qe.toml.
{column} > last_day + 366
