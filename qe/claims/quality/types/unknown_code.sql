-- One value. Fails: the code is not one of its set (quality/lists.toml).
{column} not in {codes}
