-- One date. Fails: it lies outside start and end of the row's source in qe.toml.
{column} not between source_start and source_end
