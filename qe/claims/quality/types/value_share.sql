-- One row. Fails (above a share): the status is this one.
{column} = {value}
