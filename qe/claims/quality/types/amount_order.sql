-- One row. Fails: the amount that is a part is more than its whole (by more than a cent, for rounding).
{column} > {other} + 0.01
