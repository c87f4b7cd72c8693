-- One row. Fails: its person would be older than 115 years that day (only then is it told to the year: 42,000 days are 114.9).
case when {column} - birth_date < 42000 then false else date_sub('year', birth_date, {column}) > 115 end
