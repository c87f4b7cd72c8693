-- One row. Fails: it is dated before its person was born. Month of birth: a membership may begin on its first day.
case when {column} >= birth_date then false else {column} < date_trunc('month', birth_date) end
