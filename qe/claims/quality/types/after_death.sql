-- One row. Fails: it is dated more than a month after its person's death (bills of the last month come late).
coalesce({column} > death_date + 31, false)
